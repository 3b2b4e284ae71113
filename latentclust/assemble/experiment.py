"""An experiment: a resolved recipe with its opened data, preprocessing and networks."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import Any

from torch import nn

from latentclust.assemble.build import add_table_context, build_networks
from latentclust.assemble.feature_network import build_feature_network
from latentclust.assemble.memory import check_memory
from latentclust.assemble.preprocess import Fitted, Preprocess, bind, fit_steps, shape_after
from latentclust.assemble.resolve import Resolved
from latentclust.data.display_bands import display_bands
from latentclust.data.raster_windows import WindowSource
from latentclust.errors import LatentclustError
from latentclust.networks.features import FeatureNetwork
from latentclust.phases import SILENT, Phases
from latentclust.specs.data import ImageSet, ImageSource
from latentclust.specs.views import DeviceViewSpec
from latentclust.tensors import Shape

LOWERED = "is lowered from"
"""Words of the note that a batch size exceeds the number of samples."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """A resolved recipe with its data and networks.

    Attributes:
        resolved: The resolved recipe.
        data: Training split.
        shape: Shape of one preprocessed sample.
        networks: Networks by name, on the CPU until a training moves them.
        features: Frozen network of `[features]`. None without this table.
        bank: Samples that need no preprocessing: rows of the feature bank, with the features of each image and of its
            stored views, or preprocessed images with label maps. None if nothing is stored.
        fitted: Tensors of the preprocessing steps that were fitted to the training images, by position.
    """

    resolved: Resolved
    data: ImageSet
    shape: Shape
    networks: dict[str, nn.Module]
    features: FeatureNetwork | None = None
    bank: ImageSource | None = None
    fitted: Fitted = field(default_factory=dict)

    @property
    def preprocess(self) -> Preprocess:
        """Preprocessing of the recipe."""
        return Preprocess(bind(self.resolved.preprocess, self.fitted), self.features)

    @property
    def fed(self) -> tuple[ImageSource, Preprocess]:
        """What a training reads, and the preprocessing that is left to do: none for stored samples."""
        return (self.data.source, self.preprocess) if self.bank is None else (self.bank, Preprocess())


def assemble(resolved: Resolved, roots: tuple[Path, ...], phases: Phases = SILENT) -> Experiment:
    """Open the data set and build the networks.

    Args:
        resolved: The resolved recipe.
        roots: Folders of data sets, in order of precedence.
        phases: Tells the progress.

    Raises:
        LatentclustError: If the data set is missing or damaged, has too few samples for the clusters or the batch
            devices, or a shape that a backbone or a view cannot read.
    """
    phases.begin(f"opening {resolved.recipe.data.use}")
    data = resolved.dataset.open(roots)
    resolved, lowered = _fit_batch(resolved, len(data.source))
    data = replace(data, notes=(*data.notes, *lowered))
    _check_display(resolved, data)
    with add_table_context("data.preprocess"):
        read = shape_after(resolved.preprocess, data.source.shape)
    phases.begin("building networks")
    features = build_feature_network(resolved, read)
    shape = read if features is None else (features.width,)
    if resolved.prior.per_pixel and shape[1:] != data.source.shape[1:]:
        what = f"label maps have the stored size {data.source.shape[1:]}, but preprocessing resizes to {shape[1:]}"
        fix = "Remove the steps that resize, and set data.size if the data set has this option"
        raise LatentclustError.at("data.preprocess", what, fix)
    _check_views(resolved, data.source.shape, shape)
    check_memory(resolved, shape)
    fitted = fit_steps(resolved.preprocess, data, phases)
    networks = _build_checked(resolved, shape)
    return Experiment(resolved, data, shape, networks, features, fitted=fitted)


def _build_checked(resolved: Resolved, shape: Shape) -> dict[str, nn.Module]:
    """Return the networks of a recipe. Raise LatentclustError if a batch or a start does not suit them."""
    networks = build_networks(resolved, shape)
    _check_batch_norm(resolved, networks)
    for stage in resolved.stages:
        if stage.start is not None:
            with add_table_context(f"stages.{stage.name}.start"):
                stage.start.check(networks)
    return networks


def with_variant(experiment: Experiment, resolved: Resolved, data: ImageSet, bank: ImageSource | None) -> Experiment:
    """Return an experiment of a variant of its recipe, which reads the same data, or samples of them.

    What was fitted to the data, and the frozen network of `[features]`, are those of the given experiment.

    Args:
        experiment: The assembled experiment.
        resolved: Recipe with the same `[data]`, `[features]` and `[views]`.
        data: The samples.
        bank: Their rows of the bank. None if nothing is stored.

    Raises:
        LatentclustError: If the data have too few samples for the clusters, or a network cannot be built.
    """
    resolved, lowered = _fit_batch(resolved, len(data.source))
    check_memory(resolved, experiment.shape)
    networks = _build_checked(resolved, experiment.shape)
    noted = replace(data, notes=(*data.notes, *lowered))
    return replace(experiment, resolved=resolved, data=noted, networks=networks, bank=bank)


def with_seed(experiment: Experiment, seed: int) -> Experiment:
    """Return the experiment with another seed of its training, and new networks whose weights depend on it."""
    resolved = with_recipe(experiment.resolved, seed=seed)
    return replace(experiment, resolved=resolved, networks=build_networks(resolved, experiment.shape))


def with_recipe(resolved: Resolved, **changed: Any) -> Resolved:
    """Return a resolved recipe with other values in its validated tables. Its text does not change."""
    recipe = resolved.loaded.tables.recipe.model_copy(update=changed)
    loaded = replace(resolved.loaded, tables=replace(resolved.loaded.tables, recipe=recipe))
    return replace(resolved, loaded=loaded)


def _fit_batch(resolved: Resolved, count: int) -> tuple[Resolved, tuple[str, ...]]:
    """Return the recipe with batches of at most all samples, and a note if they were lowered.

    Raises:
        LatentclustError: If whole samples are fewer than the clusters, or fewer than the devices.
    """
    clusters, table = resolved.prior.clusters, resolved.recipe.train
    if clusters > count and not resolved.prior.per_pixel:
        what = f"{clusters} clusters exceed the {count} samples"
        raise LatentclustError.at("prior.clusters", what, f"Use at most {count}")
    most = count // table.devices
    if most == 0:
        what = f"{table.devices} exceeds the number of samples, {count}"
        raise LatentclustError.at("train.devices", what, f"Use at most {count}")
    each = f" for each of {table.devices} devices" if table.devices > 1 else ""
    notes = tuple(
        f"{key} {LOWERED} {size} to {most}: there are {count} samples{each}"
        for key, size in resolved.recipe.batch_sizes().items()
        if size > most
    )
    return (with_smaller_batches(resolved, most) if notes else resolved), notes


def with_smaller_batches(resolved: Resolved, most: int) -> Resolved:
    """Return a resolved recipe with batches of at most `most` samples in every stage."""
    recipe = resolved.recipe
    train = recipe.train.model_copy(update={"batch_size": min(recipe.train.batch_size, most)})
    stages = {
        name: table.model_copy(update={"batch_size": min(table.batch_size, most)}) if table.batch_size else table
        for name, table in recipe.stages.items()
    }
    return with_recipe(resolved, train=train, stages=stages)


def _check_display(resolved: Resolved, data: ImageSet) -> None:
    """Raise LatentclustError, before anything is trained, if `data.display` names a band that is not read."""
    names = data.source.windows.reading.names if isinstance(data.source, WindowSource) else ()
    display_bands(resolved.recipe.data.display, names, data.source.shape[0])


def _check_batch_norm(resolved: Resolved, networks: Mapping[str, nn.Module]) -> None:
    """Raise LatentclustError if a batch of one sample would pass through batch norm."""
    key, least = min(resolved.recipe.batch_sizes().items(), key=itemgetter(1))
    if least > 1:
        return
    for name, network in networks.items():
        kinds = (nn.BatchNorm1d, nn.BatchNorm2d)
        if not resolved.recipe.networks[name].frozen and any(isinstance(m, kinds) for m in network.modules()):
            what = f"is 1, but the batch norm of networks.{name} needs several samples"
            fix = f'Use at least 2, or set networks.{name}.norm = "none" if its backbone has this option'
            raise LatentclustError.at(key, what, fix)


def _check_views(resolved: Resolved, stored: Shape, features: Shape) -> None:
    """Raise LatentclustError if a view cannot be applied to the samples, or changes their shape.

    Args:
        resolved: The resolved recipe.
        stored: Shape of the samples as stored.
        features: Shape of the features, which views that the bank does not hold are drawn of.
    """
    table = resolved.recipe.features
    for name, steps in resolved.views.items():
        like = resolved.recipe.views[name].like or name
        shape = stored if table is None or table.view in (name, like) else features
        for step in steps:
            with add_table_context(f"views.{name}"):
                after = step.output_shape(shape) if isinstance(step, DeviceViewSpec) else shape
            if after != shape:
                what = f"changes the shape of samples from {shape} to {after}"
                raise LatentclustError.at(f"views.{name}", what, "Move this step to data.preprocess")
