"""An experiment: a resolved recipe with its opened data, preprocessing and networks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from latentclust.assemble.build import add_table_context, build_networks
from latentclust.assemble.memory import check_memory
from latentclust.assemble.resolve import Resolved
from latentclust.errors import Issue, LatentclustError, raise_all
from latentclust.specs.data import ImageSet
from latentclust.specs.parts import DeviceViewSpec
from latentclust.tensors import Images, Shape


@dataclass(frozen=True, slots=True)
class Preprocess:
    """The preprocessing of a recipe: from images as stored to images as the networks read them.

    Attributes:
        steps: Deterministic steps, in order.
    """

    steps: tuple[DeviceViewSpec, ...]

    def __call__(self, images: Images, rng: torch.Generator) -> Images:
        """Return preprocessed images `(b, *self.shape(shape))` of images `(b, *shape)`."""
        for step in self.steps:
            images = step.apply(images, rng)
        return images

    def shape(self, shape: Shape) -> Shape:
        """Return the shape of a sample after all steps."""
        for step in self.steps:
            shape = step.output_shape(shape)
        return shape


@dataclass(frozen=True, slots=True)
class Experiment:
    """A resolved recipe with its data and networks.

    Attributes:
        resolved: The resolved recipe.
        data: Training split.
        shape: Shape of one preprocessed sample.
        networks: Networks by name, on the CPU until a training moves them.
    """

    resolved: Resolved
    data: ImageSet
    shape: Shape
    networks: dict[str, nn.Module]

    @property
    def preprocess(self) -> Preprocess:
        """Preprocessing of the recipe."""
        return Preprocess(self.resolved.preprocess)


def assemble(resolved: Resolved, roots: tuple[Path, ...]) -> Experiment:
    """Open the data set and build the networks.

    Args:
        resolved: The resolved recipe.
        roots: Folders of data sets, in order of precedence.

    Raises:
        LatentclustError: If the data set is missing or damaged, has too few samples for the clusters or the batch
            size, or a shape that a backbone or a view cannot read.
    """
    data = resolved.dataset.open(roots)
    _check_sizes(resolved, len(data.source))
    with add_table_context("data.preprocess"):
        shape = Preprocess(resolved.preprocess).shape(data.source.shape)
    if resolved.prior.per_pixel and shape[1:] != data.source.shape[1:]:
        what = f"label maps have the stored size {data.source.shape[1:]}, but preprocessing resizes to {shape[1:]}"
        fix = "Remove the steps that resize, and set data.size if the data set has this option"
        raise LatentclustError.at("data.preprocess", what, fix)
    _check_views(resolved, data.source.shape)
    check_memory(resolved, shape)
    networks = build_networks(resolved, shape)
    _check_batch_norm(resolved, networks)
    return Experiment(resolved, data, shape, networks)


def with_seed(experiment: Experiment, seed: int) -> Experiment:
    """Return the experiment with another seed of its training, and new networks whose weights depend on it."""
    loaded = experiment.resolved.loaded
    recipe = loaded.tables.recipe.model_copy(update={"seed": seed})
    changed = replace(loaded, tables=replace(loaded.tables, recipe=recipe))
    resolved = replace(experiment.resolved, loaded=changed)
    return replace(experiment, resolved=resolved, networks=build_networks(resolved, experiment.shape))


def _check_sizes(resolved: Resolved, count: int) -> None:
    """Raise LatentclustError if a batch exceeds the data set, or whole samples are fewer than the clusters."""
    issues = []
    clusters, batch, devices = resolved.prior.clusters, resolved.recipe.train.batch_size, resolved.recipe.train.devices
    if clusters > count and not resolved.prior.per_pixel:
        issues.append(
            Issue("prior.clusters", f"{clusters} clusters exceed the {count} samples", f"Use at most {count}")
        )
    if batch * devices > count:
        each = f" on each of {devices} devices" if devices > 1 else ""
        what = f"{batch}{each} exceeds the {count} samples"
        issues.append(Issue("train.batch_size", what, f"Use at most {count // devices}"))
    raise_all(issues)


def _check_batch_norm(resolved: Resolved, networks: Mapping[str, nn.Module]) -> None:
    """Raise LatentclustError if a batch of one sample would pass through batch norm."""
    if resolved.recipe.train.batch_size > 1:
        return
    for name, network in networks.items():
        kinds = (nn.BatchNorm1d, nn.BatchNorm2d)
        if not resolved.recipe.networks[name].frozen and any(isinstance(m, kinds) for m in network.modules()):
            what = f"is 1, but the batch norm of networks.{name} needs several samples"
            fix = f'Use at least 2, or set networks.{name}.norm = "none" if its backbone has this option'
            raise LatentclustError.at("train.batch_size", what, fix)


def _check_views(resolved: Resolved, shape: Shape) -> None:
    """Raise LatentclustError if a view cannot be applied to samples of this shape, or changes it."""
    for name, steps in resolved.views.items():
        for step in steps:
            with add_table_context(f"views.{name}"):
                after = step.output_shape(shape) if isinstance(step, DeviceViewSpec) else shape
            if after != shape:
                what = f"changes the shape of samples from {shape} to {after}"
                raise LatentclustError.at(f"views.{name}", what, "Move this step to data.preprocess")
