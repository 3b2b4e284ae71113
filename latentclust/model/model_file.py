"""Reading and writing the model file: one safetensors file that can be loaded without a network connection."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from latentclust.assemble.build import build_networks
from latentclust.assemble.experiment import Preprocess
from latentclust.assemble.resolve import resolve
from latentclust.data.rasters import BandReading
from latentclust.errors import LatentclustError
from latentclust.files import write_atomic
from latentclust.model.class_names import names_from_header, names_to_header
from latentclust.model.model import ClusteringModel
from latentclust.plugins.distributions import PLUGINS_VARIABLE, canonical_name
from latentclust.plugins.registry import Registry, installed
from latentclust.recipe.load import load_recipe

FORMAT = 1


def save_model(path: Path, model: ClusteringModel) -> None:
    """Write a model file atomically."""
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
    """Return the model file in a run folder, or the path itself if it is not a folder."""
    return Path(path) / "model.safetensors" if Path(path).is_dir() else Path(path)


def load(path: str | Path, device: str | torch.device = "cpu") -> ClusteringModel:
    """Read a model file. The distributions that its header names must be installed; nothing is downloaded.

    Args:
        path: A model file, or a run folder.
        device: Device of the networks.

    Raises:
        LatentclustError: If the file is missing, damaged or not a model, or a distribution is not installed.
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
        raise LatentclustError.at(
            str(file), f"the weights do not match the recipe ({error})", "Retrain the model"
        ) from error
    networks.to(device).eval()
    state = {k.removeprefix("inference/"): v.to(device) for k, v in tensors.items() if k.startswith("inference/")}
    bands = _bands(header["bands"]) if "bands" in header else None
    names, colours = names_from_header(header, resolved.prior.clusters, str(file))
    parts, place = dict(networks.items()), torch.device(device)
    return ClusteringModel(resolved, raw_shape, parts, state, place, header, bands, names, colours)


def _bands(stored: Mapping[str, Any]) -> BandReading:
    """Return the band reading of a header. Files of earlier versions contain no names and scales."""
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
                raise ValueError(f"expected format {FORMAT}, got {header['format']}")
            # A checkpoint has the same format without these keys.
            missing = {"recipe", "raw_shape", "distributions"} - set(header)
            if missing:
                raise ValueError(f"the header has no {', '.join(sorted(missing))}")
            return header, {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
    except FileNotFoundError as error:
        raise LatentclustError.at(str(file), "the model file does not exist", "Check the path") from error
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        fix = "Use a model.safetensors that `latentclust run` wrote"
        raise LatentclustError.at(str(file), f"is not a latentclust model ({error})", fix) from error


def _check_distributions(file: Path, header: Mapping[str, Any], registry: Registry) -> None:
    """Raise LatentclustError if the model has parts of a distribution that is not installed, broken or excluded."""
    present = {canonical_name(name) for name in registry.providers()}
    broken = {canonical_name(item.provider.distribution): item.error for item in registry.broken}
    excluded = {canonical_name(item.name) for item in registry.excluded}
    for name, wanted in header["distributions"].items():
        key = canonical_name(name)
        if key in present:
            continue
        state, fix = "not installed", f"Install {name} {wanted}"
        if key in excluded:
            state, fix = f"excluded by {PLUGINS_VARIABLE}", f"Unset {PLUGINS_VARIABLE}, or set it to a list with {name}"
        elif key in broken:
            state = f"broken ({broken[key]})"
        raise LatentclustError.at(str(file), f"it was trained with parts of {name} {wanted}, which is {state}", fix)
