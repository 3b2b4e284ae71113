"""Reading and writing the model file: one safetensors file that can be loaded without a network connection."""

import json
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from latentclust.assemble.build import build_networks, build_without_memory
from latentclust.assemble.feature_network import build_feature_network
from latentclust.assemble.preprocess import Fitted, Preprocess, bind, shape_after
from latentclust.assemble.resolve import Resolved, resolve
from latentclust.data.rasters import BandReading
from latentclust.errors import LatentclustError, first_problem, is_out_of_memory
from latentclust.files import write_atomic
from latentclust.infer.posteriors import posterior_of
from latentclust.model.class_names import names_from_header, names_to_header
from latentclust.model.model import ClusteringModel
from latentclust.model.naming_record import records_from_header, records_to_header
from latentclust.model.plugin_records import PLUGINS, check_plugins, plugin_records, records_of
from latentclust.networks.features import FeatureNetwork
from latentclust.networks.stored_model import (
    ENTRY,
    FEATURES,
    FITTED,
    FORMAT,
    NETWORKS,
    REWRITE,
    STATE,
    BandsHeader,
    StoredModel,
    model_file,
    parse_stored_model,
    part_of,
    read_stored_model,
)
from latentclust.plugins.distributions import PLUGINS_VARIABLE, canonical_name
from latentclust.plugins.given import PluginSource
from latentclust.plugins.registry import Registry, installed, use_plugins
from latentclust.recipe.load import load_recipe
from latentclust.specs.backbones import ExtractorSpec
from latentclust.specs.inference import InferenceSpec
from latentclust.specs.views import FittedViewSpec
from latentclust.tensors import Images, Shape

TRUST_VARIABLE = "LATENTCLUST_TRUST_MODELS"
"""Environment variable that, as `1`, lets models read the pretrained weights that their recipes name."""

OWN_WEIGHTS = ("none", "installed")
"""Sources of pretrained weights that are no files and no downloads."""

SHOWN = 3
"""Maximum number of mismatches in a message."""


def save_model(path: Path, model: ClusteringModel) -> None:
    """Write a model file atomically."""
    write_atomic(path, model_bytes(model))


def model_bytes(model: ClusteringModel) -> bytes:
    """Return the contents of a model file."""
    tensors = {NETWORKS + k: v for k, v in nn.ModuleDict(dict(model.networks)).state_dict().items()}
    tensors |= {STATE + k: v for k, v in model.state.items()}
    tensors |= {f"{FITTED}{at}.{k}": v for at, step in model.fitted.items() for k, v in step.items()}
    if model.features is not None:
        tensors |= {FEATURES + k: v for k, v in model.features.state_dict().items()}
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
    if records := plugin_records(model.resolved.plugins):
        header[PLUGINS] = records
    if model.bands is not None:
        header["bands"] = model.bands.to_dict()
    header |= names_to_header(model.names, model.colours) | records_to_header(model.named_from)
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return save(contiguous, {ENTRY: json.dumps(header)})


def load(
    path: str | Path, device: str | torch.device = "cpu", *, plugins: Iterable[PluginSource] = ()
) -> ClusteringModel:
    """Read a model file. The distributions that its header names must be installed; nothing is downloaded.

    Args:
        path: A model file, or a run folder.
        device: Device of the networks.
        plugins: Plugins that the model was trained with: files, modules or classes. The source in a model file is never
            run.

    Raises:
        LatentclustError: If the file is missing, damaged or not a model, or a distribution or a plugin is missing.
    """
    with use_plugins(plugins):
        return _build(read_stored_model(model_file(path)), device)


def load_bytes(content: bytes, device: str | torch.device = "cpu", where: str = "model") -> ClusteringModel:
    """Read the contents of a model file, as `model_bytes` returns them.

    Args:
        content: Bytes of the file.
        device: Device of the networks.
        where: What contains the bytes, for messages.

    Raises:
        LatentclustError: As `load`.
    """
    return _build(parse_stored_model(content, Path(where)), device)


def _build(stored: StoredModel, device: str | torch.device) -> ClusteringModel:
    """Return the model of a file's contents. Raise LatentclustError if they do not fit together."""
    file, registry = stored.file, installed()
    header, records = dict(stored.header), records_of(stored.header)
    _check_distributions(file, header, registry, {record.name for record in records})
    check_plugins(file, records, registry)
    resolved = _resolve(stored, registry)
    raw_shape = tuple(header["raw_shape"])
    read = shape_after(resolved.preprocess, raw_shape)
    fitted = _fitted(file, resolved, raw_shape, stored.part(FITTED))
    features = _feature_network(file, resolved, read, stored.part(FEATURES))
    shape = read if features is None else (features.width,)
    bare = {name: backbone.bare() for name, backbone in resolved.backbones.items()}
    sealed = replace(resolved, backbones=bare)
    weights = stored.part(NETWORKS)
    skeleton = build_without_memory(sealed, shape)
    if skeleton is not None:
        _check_weights(file, weights, skeleton.state_dict())
    networks = nn.ModuleDict(build_networks(sealed, shape))
    _check_weights(file, weights, networks.state_dict())
    networks.load_state_dict(weights)
    networks.to(device).eval()
    state = {k: v.to(device) for k, v in stored.part(STATE).items()}
    bands = _bands(header["bands"]) if "bands" in header else None
    names, colours = names_from_header(header, resolved.prior.clusters, str(file))
    named_from = records_from_header(header, str(file))
    parts, place = dict(networks.items()), torch.device(device)
    frozen = None if features is None else features.to(place)
    model = ClusteringModel(
        resolved, raw_shape, parts, state, place, header, bands, names, colours, frozen, fitted, named_from
    )
    _check_state(file, model, shape)
    return model


def _fitted(file: Path, resolved: Resolved, shape: Shape, tensors: Mapping[str, Tensor]) -> Fitted:
    """Return the tensors of fitted preprocessing steps, tried on one blank image."""
    fitted = {
        position: part_of(tensors, f"{position}.")
        for position, step in enumerate(resolved.preprocess)
        if isinstance(step, FittedViewSpec)
    }
    expected = {f"{position}.{name}" for position, step in fitted.items() for name in step}
    try:
        if unknown := set(tensors) - expected:
            raise ValueError(f"{FITTED}{min(unknown)} is unknown")
        if not fitted:
            return fitted
        blank = Images(torch.zeros(1, *shape))
        found = Preprocess(bind(resolved.preprocess, fitted))(blank, torch.Generator()).shape[1:]
        if tuple(found) != shape_after(resolved.preprocess, shape):
            raise ValueError(f"they return samples of shape {tuple(found)}")
    # A plugin's step may raise anything.
    except Exception as error:
        if isinstance(error, LatentclustError) or is_out_of_memory(error):
            raise
        why = f"{type(error).__name__}: {first_problem(error)}"
        what = f"the tensors of its preprocessing do not match the recipe ({why})"
        raise LatentclustError.at(str(file), what, REWRITE) from error
    return fitted


def _feature_network(
    file: Path, resolved: Resolved, shape: Shape, weights: Mapping[str, Tensor]
) -> FeatureNetwork | None:
    """Return the network of `[features]` with the weights of the file. None without this table."""
    if resolved.features is None:
        return None
    bare = resolved.features.bare()
    assert isinstance(bare, ExtractorSpec), "a spec without pretrained weights is of the same kind"
    network = build_feature_network(replace(resolved, features=bare), shape)
    assert network is not None, "the recipe has the table"
    _check_weights(file, weights, network.state_dict())
    network.load_state_dict(dict(weights))
    return network


def _check_state(file: Path, model: ClusteringModel, shape: Shape) -> None:
    """Raise LatentclustError if the inference cannot use its tensors, found by the posterior of one blank image.

    Args:
        file: Model file.
        model: The model.
        shape: Shape of one image as the networks read it.
    """
    kind = type(model.inference)
    if kind.fit is InferenceSpec.fit and kind.fit_valid is InferenceSpec.fit_valid:
        if model.state:
            what = f"has an unknown tensor {STATE + next(iter(model.state))!r}"
            raise LatentclustError.at(str(file), what, REWRITE)
        return  # it learns nothing, and may take long
    blank, rng = Images(torch.zeros(1, *shape, device=model.device)), torch.Generator(model.device).manual_seed(0)
    try:
        found = posterior_of(model.inference, model.model, blank, model.state, rng, model.stride).probabilities
        if found.shape[1] != model.clusters:
            raise ValueError(f"{found.shape[1]} clusters instead of {model.clusters}")
    # A plugin's inference may raise anything.
    except Exception as error:
        if isinstance(error, LatentclustError) or is_out_of_memory(error):
            raise
        what = f"the tensors of its inference do not match the recipe ({type(error).__name__}: {first_problem(error)})"
        raise LatentclustError.at(str(file), what, REWRITE) from error


def _resolve(stored: StoredModel, registry: Registry) -> Resolved:
    """Resolve the recipe of a model file, which must be complete and unchanged, and must not read other files.

    Raises:
        LatentclustError: If it extends another recipe, was changed, or its preprocessing reads weights from elsewhere.
    """
    file, tables = stored.file, stored.recipe()
    if "extends" in tables:
        what = f"its recipe extends {str(tables['extends'])!r}, but the recipe of a model must be complete"
        raise LatentclustError.at(str(file), what, REWRITE)
    resolved = resolve(load_recipe(tables, registry), registry)
    elsewhere = [
        pretrained
        for step in resolved.preprocess
        for part in (step, *(nested for _, _, nested in step.nested()))
        if (pretrained := part.model_dump().get("pretrained", "none")) not in OWN_WEIGHTS
    ]
    if elsewhere and os.environ.get(TRUST_VARIABLE) != "1":
        what = f"its preprocessing reads weights from {elsewhere[0]!r}, which the model file does not contain"
        raise LatentclustError.at(str(file), what, f"If you trust the file, set the variable {TRUST_VARIABLE}=1")
    return resolved


def _check_weights(file: Path, weights: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Raise LatentclustError if a weight is missing, unknown, of another shape or type, or not finite."""
    problems = [
        *(f"{name} is missing" for name in expected if name not in weights),
        *(f"{name} is unknown" for name in weights if name not in expected),
        *(
            f"{name} is {found.dtype} {tuple(found.shape)}, not {like.dtype} {tuple(like.shape)}"
            for name, found in weights.items()
            if (like := expected.get(name)) is not None and (found.shape, found.dtype) != (like.shape, like.dtype)
        ),
    ]
    if problems:
        what = f"the weights do not match the recipe ({'; '.join(problems[:SHOWN])})"
        raise LatentclustError.at(str(file), what, "Retrain the model")


def _bands(stored: Mapping[str, Any]) -> BandReading:
    """Return the band reading of a header."""
    return BandReading(**dict(BandsHeader.model_validate(stored)))


def _check_distributions(file: Path, header: Mapping[str, Any], registry: Registry, given: Collection[str]) -> None:
    """Raise LatentclustError if the model has parts of a distribution that is not installed, broken or excluded.

    Args:
        file: Model file.
        header: Its header.
        registry: All parts.
        given: Names of plugins that are no distributions.
    """
    present = {canonical_name(name) for name in registry.providers()}
    broken = {canonical_name(item.provider.distribution): item.error for item in registry.broken}
    excluded = {canonical_name(item.name) for item in registry.excluded}
    for name, wanted in header["distributions"].items():
        key = canonical_name(name)
        if key in present or name in given:
            continue
        state, fix = "not installed", f"Install {name} {wanted}"
        if key in excluded:
            state, fix = f"excluded by {PLUGINS_VARIABLE}", f"Unset {PLUGINS_VARIABLE}, or set it to a list with {name}"
        elif key in broken:
            state = f"broken ({broken[key]})"
        raise LatentclustError.at(str(file), f"it was trained with parts of {name} {wanted}, which is {state}", fix)
