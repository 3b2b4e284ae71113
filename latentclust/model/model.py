"""The model file and the model it holds: one safetensors file that needs no network to be read again."""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from latentclust.assemble.build import build_networks
from latentclust.assemble.experiment import Preprocess
from latentclust.assemble.resolve import Resolved, resolve
from latentclust.data.open_feed import map_batch
from latentclust.data.rasters import BandReading
from latentclust.data.sources import UINT8_MAX, ArraySource
from latentclust.errors import LatentclustError
from latentclust.files import write_atomic
from latentclust.infer.padding import stride_of
from latentclust.infer.posteriors import collect_posterior, posteriors, preprocessed, set_evaluation
from latentclust.model.class_names import names_from_header, names_to_header
from latentclust.plugins.distributions import PLUGINS_VARIABLE, canonical_name
from latentclust.plugins.registry import Registry, installed
from latentclust.recipe.load import load_recipe
from latentclust.specs.data import ImageSource
from latentclust.specs.inference import InferenceSpec, Model
from latentclust.tensors import Images, Latent, Posterior, Shape

FORMAT = 1


@dataclass(frozen=True, slots=True)
class ClusteringModel:
    """A trained model: assigns images to clusters, and draws images where its system can.

    Attributes:
        resolved: The recipe that it was trained with.
        raw_shape: Shape of one image as stored: `(c, h, w)` or `(d,)`.
        networks: In evaluation mode, on `device`.
        state: What the inference learned from the training images.
        header: The model file's own account: recipe hash, versions, seed.
        bands: How the rasters that it was trained on were read; None for other data.
        names: What clusters are called, counted from 1; those that bear one name are one class.
        colours: Of classes, as `#rrggbb`, where they were given one.
    """

    resolved: Resolved
    raw_shape: Shape
    networks: Mapping[str, nn.Module]
    state: Mapping[str, Tensor]
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    header: Mapping[str, Any] = field(default_factory=dict)
    bands: BandReading | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    colours: Mapping[str, str] = field(default_factory=dict)

    @property
    def clusters(self) -> int:
        """K."""
        return self.resolved.prior.clusters

    @property
    def inference(self) -> InferenceSpec:
        """How it reads images."""
        return self.resolved.inference

    @property
    def model(self) -> Model:
        """What an inference reads."""
        return set_evaluation(Model(self.networks, self.resolved.prior))

    @property
    def preprocess(self) -> Preprocess:
        """From images as stored to images as the networks read them."""
        return Preprocess(self.resolved.preprocess)

    @property
    def per_pixel(self) -> bool:
        """Whether images get a label map, of their own size, instead of a label."""
        return self.resolved.prior.per_pixel

    @property
    def stride(self) -> int:
        """Pixels of which the networks read multiples; images of other sizes are padded and cropped back."""
        return stride_of(self.networks, self.resolved.prior)

    def predict(self, images: NDArray[Any] | Tensor | ImageSource, batch_size: int = 500, seed: int = 0) -> Posterior:
        """The posterior of images, on the CPU; rows in the order given, clusters 0-based.

        Of label maps all probabilities are in memory, four bytes a pixel and cluster; `posteriors` streams them.

        Args:
            images: uint8, or floats in [0, 1], of shape `(n, c, h, w)`, `(n, h, w)` for one channel, or `(n, d)`. A
                model of label maps reads images of any height and width.
            batch_size: Images at a time; of label maps as many as 2^20 pixels allow.
            seed: Of an inference that draws, such as restarts of backprop decoding.

        Raises:
            LatentclustError: where the images' shape, type or values do not suit the model.
        """
        source = images if isinstance(images, ImageSource) else as_source(images, self.raw_shape)
        batches, rng = self._batches(source, batch_size, seed)
        return collect_posterior(self.inference, self.model, self.state, batches, rng, self.stride)

    def posteriors(self, source: ImageSource, batch_size: int = 500, seed: int = 0) -> Iterator[Posterior]:
        """The same posterior batch by batch, in order, so that label maps of many images never meet in memory.

        Raises:
            LatentclustError: as `predict`.
        """
        batches, rng = self._batches(source, batch_size, seed)
        return posteriors(self.inference, self.model, self.state, batches, rng, self.stride)

    def _batches(self, source: ImageSource, batch_size: int, seed: int) -> tuple[Iterator[Images], torch.Generator]:
        """The images as the networks read them, and the generator that they and the inference draw from."""
        self.check_shape(source.shape)
        if self.per_pixel:
            batch_size = map_batch(batch_size, *source.shape[1:])
        rng = torch.Generator(self.device).manual_seed(seed)
        return preprocessed(source, self.preprocess, batch_size, rng), rng

    def check_shape(self, shape: Shape) -> None:
        """Raises LatentclustError where it reads no images of a shape."""
        if shape == self.raw_shape:
            return
        what = f"images of shape {shape}, and the model reads {self.raw_shape}"
        if not self.per_pixel:
            raise LatentclustError.at("images", what, "Resize them, or train on images of their size")
        if len(shape) != len(self.raw_shape) or shape[0] != self.raw_shape[0]:
            raise LatentclustError.at("images", what, f"Give images of {self.raw_shape[0]} channels, of any size")

    @torch.no_grad()
    def generate(self, latent: Latent) -> Images:
        """Images `(b, c, h, w)` of latents, on the CPU, by the network `generator`.

        Raises:
            LatentclustError: where the system has no generator, or its prior has latents of other sizes.
        """
        if "generator" not in self.networks:
            what, system = (
                f"{self.resolved.recipe.name!r} has no generator",
                "cgm-pixel" if self.per_pixel else "clustergan",
            )
            raise LatentclustError.at("model", what, f"Use a generative system, such as {system}")
        prior = self.resolved.prior
        found, wanted = (latent.category.shape[1], latent.style.shape[1]), (prior.categories, prior.style_dim)
        if found != wanted:
            what = f"{found[0]} categories and {found[1]} style values, and the prior has {wanted[0]} and {wanted[1]}"
            raise LatentclustError.at("latent", what, "Draw it from the model's prior, or build it of these sizes")
        moved = Latent(latent.category.to(self.device), latent.style.to(self.device))
        return Images(self.model.networks["generator"](moved).cpu())


def as_source(images: NDArray[Any] | Tensor, shape: Shape) -> ImageSource:
    """An array of images as a source: channels added where a one-channel model is given `(n, h, w)`.

    Floats in [0, 1] are kept as floats for vectors and rounded to the 256 steps of stored images for images.

    Raises:
        LatentclustError: where it holds floats outside [0, 1], or is neither images nor vectors.
    """
    array = _floats_as_float32(images)
    if len(shape) == 3 and shape[0] == 1 and array.ndim == 3:
        array = array[:, None]
    if array.dtype == np.float32:
        _check_unit(array)
        array = np.rint(array * UINT8_MAX).astype(np.uint8) if len(shape) == 3 else array
    return ArraySource(array, "images")


def _floats_as_float32(images: NDArray[Any] | Tensor) -> NDArray[Any]:
    if isinstance(images, Tensor):
        images = images.detach().cpu()
        return (images.float() if images.is_floating_point() else images).numpy()
    array = np.asarray(images)
    with np.errstate(over="ignore"):  # too great for float32 is outside [0, 1] in any case
        return array.astype(np.float32) if array.dtype.kind == "f" else array


def _check_unit(array: NDArray[np.float32]) -> None:
    outside = ~((array >= 0) & (array <= 1))
    if outside.any():
        place = tuple(int(axis) for axis in np.argwhere(outside)[0])
        what = f"{np.count_nonzero(outside)} values are NaN or outside [0, 1], the first {array[place]} at {place}"
        raise LatentclustError.at("images", what, "Scale them as the training data were; indices count from 0")


def save_model(path: Path, model: ClusteringModel) -> None:
    """Writes the model file in one step."""
    tensors = {f"networks/{k}": v for k, v in nn.ModuleDict(dict(model.networks)).state_dict().items()}
    tensors |= {f"inference/{k}": v for k, v in model.state.items()}
    loaded = model.resolved.loaded
    header = {
        "format": FORMAT,
        "recipe": loaded.text,
        "recipe_sha256": loaded.digest,
        "raw_shape": list(model.raw_shape),
        "seed": loaded.recipe.seed,
        "distributions": dict(model.resolved.distributions),
        "versions": {name: version(name) for name in ("latentclust", "torch", "numpy")},
    }
    if model.bands is not None:
        header["bands"] = asdict(model.bands)
    header |= names_to_header(model.names, model.colours)
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomic(path, save(contiguous, {"latentclust": json.dumps(header)}))


def model_file(path: str | Path) -> Path:
    """The model file of a run's folder, or the file itself."""
    return Path(path) / "model.safetensors" if Path(path).is_dir() else Path(path)


def load(path: str | Path, device: str | torch.device = "cpu") -> ClusteringModel:
    """Reads a model file; needs the distributions that its header names, and never the network.

    Args:
        path: A model file, or the folder of a run.
        device: Where the networks go.

    Raises:
        LatentclustError: where the file is missing, cut short or no model, or a distribution is not installed.
    """
    file = model_file(path)
    header, tensors = _read(file)
    registry = installed()
    _check_distributions(file, header, registry)
    resolved = resolve(load_recipe(tomllib.loads(header["recipe"]), registry), registry)
    raw_shape = tuple(int(size) for size in header["raw_shape"])
    shape = Preprocess(resolved.preprocess).shape(raw_shape)
    bare = {name: backbone.bare() for name, backbone in resolved.backbones.items()}
    networks = nn.ModuleDict(build_networks(replace(resolved, backbones=bare), shape))
    try:
        networks.load_state_dict(
            {k.removeprefix("networks/"): v for k, v in tensors.items() if k.startswith("networks/")}
        )
    except RuntimeError as error:
        raise LatentclustError.at(str(file), f"its weights do not fit its recipe ({error})", "Train it anew") from error
    networks.to(device).eval()
    state = {k.removeprefix("inference/"): v.to(device) for k, v in tensors.items() if k.startswith("inference/")}
    bands = _bands(header["bands"]) if "bands" in header else None
    names, colours = names_from_header(header, resolved.prior.clusters, str(file))
    parts, place = dict(networks.items()), torch.device(device)
    return ClusteringModel(resolved, raw_shape, parts, state, place, header, bands, names, colours)


def _bands(stored: Mapping[str, Any]) -> BandReading:
    """How bands are read; files of earlier versions say nothing of names and scales."""
    ranges, scales = (_pairs(stored.get(name, ())) for name in ("ranges", "scales"))
    names = tuple(stored.get("names", ()))
    return BandReading(tuple(stored["bands"]), ranges, tuple(stored["counts"]), tuple(stored["types"]), names, scales)


def _pairs(stored: Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    return tuple((float(first), float(second)) for first, second in stored)


def _read(file: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        with safe_open(file, framework="pt") as opened:
            header = json.loads(opened.metadata()["latentclust"])
            if header["format"] != FORMAT:
                raise ValueError(f"its format is {header['format']}, and {FORMAT} is read")
            # What a checkpoint, which is written in the same way, lacks.
            missing = {"recipe", "raw_shape", "distributions"} - set(header)
            if missing:
                raise ValueError(f"its header lacks {', '.join(sorted(missing))}")
            return header, {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
    except FileNotFoundError as error:
        raise LatentclustError.at(str(file), "there is no such model file", "Check the path") from error
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        fix = "Give a model.safetensors that `latentclust run` wrote"
        raise LatentclustError.at(str(file), f"is no latentclust model ({error})", fix) from error


def _check_distributions(file: Path, header: Mapping[str, Any], registry: Registry) -> None:
    """Refuses a model whose parts come from a distribution that is not installed, broken or left out."""
    present = {canonical_name(name) for name in registry.providers()}
    broken = {canonical_name(item.provider.distribution): item.error for item in registry.broken}
    excluded = {canonical_name(item.name) for item in registry.excluded}
    for name, wanted in header["distributions"].items():
        key = canonical_name(name)
        if key in present:
            continue
        state, fix = "not installed", f"Install {name} {wanted}"
        if key in excluded:
            state, fix = f"left out by {PLUGINS_VARIABLE}", f"Unset {PLUGINS_VARIABLE}, or set it to a list with {name}"
        elif key in broken:
            state = f"broken ({broken[key]})"
        raise LatentclustError.at(str(file), f"it was trained with parts of {name} {wanted}, which is {state}", fix)
