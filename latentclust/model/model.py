"""The trained model: it assigns images to clusters, and draws images if its system has a generator."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentclust.assemble.preprocess import Fitted, Preprocess, bind
from latentclust.assemble.resolve import Resolved
from latentclust.cards import Card, Shown
from latentclust.data.array_reading import ArrayReading, Beyond, Layout
from latentclust.data.display_bands import display_bands, display_text
from latentclust.data.given_arrays import as_array
from latentclust.data.open_feed import map_batch
from latentclust.data.rasters import BandReading
from latentclust.data.sources import UINT8_MAX, ArraySource
from latentclust.errors import LatentclustError
from latentclust.infer.codes import Codes, joined
from latentclust.infer.posteriors import collect_posterior, posteriors, preprocessed, set_evaluation, stride_of
from latentclust.model.naming_record import NamingRecord, naming_sentences
from latentclust.networks.features import FeatureNetwork
from latentclust.phases import SILENT, Phases
from latentclust.specs.data import ImageSource, MaskSource
from latentclust.specs.inference import InferenceSpec, Model
from latentclust.tensors import Images, Latent, Posterior, Shape

if TYPE_CHECKING:
    from latentclust.model.onnx_export import OnnxExport


@dataclass(frozen=True, slots=True, repr=False)
class ClusteringModel(Shown):
    """A trained model: the networks with their inference, recipe and cluster names.

    Attributes:
        resolved: Recipe that the model was trained with.
        raw_shape: Shape of one image as stored: `(c, h, w)` or `(d,)`.
        networks: Networks by name, in evaluation mode, on `device`.
        state: Tensors that the inference learned from the training images.
        device: Device of the networks and of `state`.
        header: Header of the model file: recipe, its hash, versions and seed.
        bands: Bands and value ranges of the rasters that the model was trained on. None for other data.
        features: Frozen network of `[features]`, on `device`. None without this table.
        names: Names of clusters, counted from 1. Clusters with the same name form one class.
        colours: Colours of classes as `#rrggbb`, for those that have one.
        fitted: Tensors of the preprocessing steps that were fitted to the training images, by position.
        named_from: Labels that named clusters.
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
    features: FeatureNetwork | None = None
    fitted: Fitted = field(default_factory=dict)
    named_from: tuple[NamingRecord, ...] = ()

    def _headline(self) -> str:
        per_pixel = " of pixels" if self.per_pixel else ""
        return f"{self.resolved.recipe.name}, {self.clusters:,} clusters{per_pixel}"

    def _card(self) -> Card:
        from latentclust.model.model_card import model_card

        return model_card(self, f"Model {self._headline()}")

    @property
    def clusters(self) -> int:
        """Number of clusters K."""
        return self.resolved.prior.clusters

    @property
    def inference(self) -> InferenceSpec:
        """Inference that computes the posterior of images."""
        return self.resolved.inference

    @property
    def model(self) -> Model:
        """Networks in evaluation mode, and prior."""
        return set_evaluation(self.resolved.model(self.networks))

    @property
    def preprocess(self) -> Preprocess:
        """Preprocessing from images as stored to images as the networks read them."""
        return Preprocess(bind(self.resolved.preprocess, self.fitted), self.features)

    @property
    def per_pixel(self) -> bool:
        """Whether images get a label map of their own size instead of a label."""
        return self.resolved.prior.per_pixel

    @property
    def stride(self) -> int:
        """Factor of the image sides that the networks require, in pixels. Other images are padded and cropped back."""
        return stride_of(self.networks, self.resolved.prior)

    @property
    def display_bands(self) -> tuple[int, ...]:
        """Channels that pictures show, counted from 0."""
        return display_bands(self.resolved.recipe.data.display, self._band_names, self.raw_shape[0])

    @property
    def display_text(self) -> str:
        """Which bands pictures show, as a sentence; empty if they are all bands in their order."""
        is_image = len(self.raw_shape) > 1
        return display_text(self.display_bands, self._band_names, self.raw_shape[0]) if is_image else ""

    @property
    def naming(self) -> tuple[str, ...]:
        """Which clusters have names from labels, as sentences. Empty if names are the user's, or there are none."""
        return tuple(naming_sentences(self.names, self.named_from))

    @property
    def _band_names(self) -> tuple[str, ...]:
        return self.bands.names if self.bands else ()

    def shown(self, images: NDArray[Any]) -> NDArray[Any]:
        """Return the channels of images `(..., c, h, w)` that pictures show.

        Vectors `(..., d)` and generated images of other channels than the stored ones are unchanged.
        """
        as_stored = len(self.raw_shape) > 1 and images.shape[-3] == self.raw_shape[0]
        return images[..., list(self.display_bands), :, :] if as_stored else images

    def predict(
        self,
        images: NDArray[Any] | Tensor | ImageSource,
        batch_size: int = 500,
        seed: int = 0,
        *,
        phases: Phases = SILENT,
    ) -> Posterior:
        """Compute the posterior of images on the CPU, in their order, with 0-based clusters.

        For label maps, all probabilities are in memory, four bytes per pixel and cluster; `posteriors` streams them.

        Args:
            images: uint8, or floats in [0, 1], of shape `(n, c, h, w)`, `(n, h, w)` for one channel, or `(n, d)`. A
                model of label maps accepts images of any height and width.
            batch_size: Number of images per batch; for label maps, at most 2^20 pixels.
            seed: Random seed of an inference that samples, such as the restarts of backprop decoding.
            phases: Tells the progress.

        Raises:
            LatentclustError: If the shape, type or values of the images do not match the model.
        """
        source = self._source(images)
        batches, rng = self.batches(source, batch_size, seed)
        count = phases.begin("reading out", len(source), "images")
        return collect_posterior(self.inference, self.model, self.state, batches, rng, self.stride, count)

    def read(self, images: Any, *, beyond: Beyond = "refuse", layout: Layout | None = None) -> ImageSource:
        """Return an array as the training read its own: by the options `range`, `size` and so on of its data set.

        Args:
            images: Array, tensor or table in the form and with the values of the training data.
            beyond: Whether a value outside the range is an error, or scaled as the others. Then vectors leave [0, 1],
                and images are clipped.
            layout: Position of the channels: `"chw"` or `"hwc"`. None: that of the training data.

        Raises:
            LatentclustError: If it cannot be read so, or a value is NaN.
        """
        reading = ArrayReading.of(self.resolved.dataset)
        if self.per_pixel:  # a label map has the size of its image
            reading = replace(reading, size=None)
        reading = replace(reading, layout=layout or reading.layout)
        return reading.source(reading.shaped(as_array(images), "images"), "images", beyond)

    def _check_bytes(self, images: NDArray[Any] | Tensor) -> None:
        """Raise LatentclustError for bytes if the training data had another range than 0 to 255."""
        if self.bands is not None:
            return
        low, high = self.resolved.dataset.model_dump().get("range") or (0.0, float(UINT8_MAX))
        if images.dtype in (np.uint8, torch.uint8) and (low, high) != (0.0, float(UINT8_MAX)):
            what = f"are bytes, but the model was trained on values from {low:g} to {high:g} (data.range)"
            fix = f"Pass model.read(images), or floats: (images - {low:g}) / {high - low:g}"
            raise LatentclustError.at("images", what, fix)

    def posteriors(
        self,
        source: ImageSource,
        batch_size: int = 500,
        seed: int = 0,
        *,
        masks: MaskSource | None = None,
        phases: Phases = SILENT,
    ) -> Iterator[Posterior]:
        """Yield the posterior batch by batch, in order, so that the label maps of many images need little memory.

        Pixels that `masks` excludes do not change the posterior of others under a prior that couples neighbours. Masks
        that were made from labels are not read.

        Raises:
            LatentclustError: As `predict`.
        """
        batches, rng = self.batches(source, batch_size, seed)
        count = phases.begin("reading out", len(source), "images")
        if not self.per_pixel or (masks is not None and masks.reads_labels):
            masks = None
        return posteriors(self.inference, self.model, self.state, batches, rng, self.stride, count, masks)

    def embed(
        self,
        images: NDArray[Any] | Tensor | ImageSource,
        batch_size: int = 500,
        seed: int = 0,
        *,
        features: bool = False,
        phases: Phases = SILENT,
    ) -> Codes:
        """Compute the codes of images on the CPU, in their order, with their posterior.

        Args:
            images: As for `predict`.
            batch_size: Number of images per batch.
            seed: Random seed of an inference that samples.
            features: Whether features are computed as well: the output of the frozen network of `[features]`, or else
                the input of the head of the network that the inference reads.
            phases: Tells the progress.

        Raises:
            LatentclustError: As `predict`, or if the model computes label maps, or has no features.
        """
        from latentclust.model.codes import read_codes

        return joined(read_codes(self, self._source(images), batch_size, seed, features=features, phases=phases))

    def export_onnx(self, path: str | Path) -> "OnnxExport":
        """Write preprocessing, networks and inference as one ONNX file, as `latentclust export` does.

        Raises:
            LatentclustError: If the inference draws random numbers, a part cannot be recorded as a graph, or the graph
                computes other labels than the model. Nothing is written then.
        """
        from latentclust.model.onnx_export import export_onnx

        return export_onnx(self, path)

    def _source(self, images: NDArray[Any] | Tensor | ImageSource) -> ImageSource:
        """Return images as a source. Raise LatentclustError if an array does not match the model."""
        if isinstance(images, ImageSource):
            return images
        self._check_bytes(images)
        return as_source(images, self.raw_shape)

    def batches(self, source: ImageSource, batch_size: int, seed: int) -> tuple[Iterator[Images], torch.Generator]:
        """Return the preprocessed batches of images, and the generator of preprocessing and inference.

        Raises:
            LatentclustError: If the shape of the images does not match the model.
        """
        if not source.preprocessed:
            self.check_shape(source.shape)
        if self.per_pixel:
            batch_size = map_batch(batch_size, *source.shape[1:])
        rng = torch.Generator(self.device).manual_seed(seed)
        return preprocessed(source, self.preprocess, batch_size, rng), rng

    def check_shape(self, shape: Shape) -> None:
        """Raise LatentclustError if the model cannot read images of a shape."""
        if shape == self.raw_shape:
            return
        what = f"expected images of shape {self.raw_shape}, got {shape}"
        if not self.per_pixel:
            raise LatentclustError.at("images", what, "Resize them, or train on images of their size")
        if len(shape) != len(self.raw_shape) or shape[0] != self.raw_shape[0]:
            raise LatentclustError.at("images", what, f"Use images of {self.raw_shape[0]} channels, of any size")

    @torch.no_grad()
    def generate(self, latent: Latent) -> Images:
        """Draw images `(b, c, h, w)` of latents with the network `generator`, on the CPU.

        Raises:
            LatentclustError: If the system has no generator, or the latents do not have the sizes of its prior.
        """
        if "generator" not in self.networks:
            system = "cgm-pixel" if self.per_pixel else "clustergan"
            what = f"{self.resolved.recipe.name!r} has no generator"
            raise LatentclustError.at("model", what, f"Use a generative system, such as {system}")
        prior = self.resolved.prior
        found, expected = (latent.category.shape[1], latent.style.shape[1]), (prior.categories, prior.style_dim)
        if found != expected:
            what = f"expected {expected[0]} categories and {expected[1]} style values, got {found[0]} and {found[1]}"
            raise LatentclustError.at("latent", what, "Draw it from the model's prior, or build it with these sizes")
        noise = None if latent.noise is None else latent.noise.to(self.device)
        moved = Latent(latent.category.to(self.device), latent.style.to(self.device), noise)
        return Images(self.model.networks["generator"](moved).cpu())


def as_source(images: NDArray[Any] | Tensor, shape: Shape) -> ImageSource:
    """Return an array of images as a source.

    Floats are kept for vectors, and rounded to the 256 levels of stored images for images.

    Args:
        images: uint8, or floats in [0, 1], of shape `(n, c, h, w)`, `(n, h, w)` for one channel, or `(n, d)`.
        shape: Shape of one image as the model reads it.

    Raises:
        LatentclustError: If floats are outside [0, 1], or the array contains neither images nor vectors.
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
    with np.errstate(over="ignore"):  # a value too large for float32 is outside [0, 1] in any case
        return array.astype(np.float32) if array.dtype.kind == "f" else array


def _check_unit(array: NDArray[np.float32]) -> None:
    outside = ~((array >= 0) & (array <= 1))
    if outside.any():
        place = tuple(int(axis) for axis in np.argwhere(outside)[0])
        what = f"{np.count_nonzero(outside)} values are NaN or outside [0, 1], the first {array[place]} at {place}"
        raise LatentclustError.at("images", what, "Scale them like the training data; indices count from 0")
