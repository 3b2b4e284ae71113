"""Data opened, preprocessing composed and networks built: all that training and inference need."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from latentclust.assemble.build import add_table_context, build_networks
from latentclust.assemble.resolve import Resolved
from latentclust.errors import Issue, LatentclustError, raise_all
from latentclust.specs.data import ImageSet
from latentclust.specs.parts import DeviceViewSpec
from latentclust.tensors import Images, Shape


@dataclass(frozen=True, slots=True)
class Preprocess:
    """The recipe's deterministic steps, in order: from images as stored to images as the networks read them."""

    steps: tuple[DeviceViewSpec, ...]

    def __call__(self, images: Images, rng: torch.Generator) -> Images:
        """Images `(b, *shape)` to `(b, *self.shape(shape))`."""
        for step in self.steps:
            images = step.apply(images, rng)
        return images

    def shape(self, shape: Shape) -> Shape:
        """The shape of a sample after all steps."""
        for step in self.steps:
            shape = step.output_shape(shape)
        return shape


@dataclass(frozen=True, slots=True)
class Experiment:
    """A resolved recipe with its data and networks.

    Attributes:
        data: The training split.
        shape: Shape of one preprocessed sample.
        networks: Role networks by name, on the CPU until training moves them.
    """

    resolved: Resolved
    data: ImageSet
    shape: Shape
    networks: dict[str, nn.Module]

    @property
    def preprocess(self) -> Preprocess:
        """From stored to read images."""
        return Preprocess(self.resolved.preprocess)


def assemble(resolved: Resolved, roots: tuple[Path, ...]) -> Experiment:
    """Opens the data and builds the networks.

    Raises:
        LatentclustError: where the data are absent or broken, too few for the clusters or the batch, or of a
            shape that a backbone cannot take.
    """
    data = resolved.dataset.open(roots)
    _check_sizes(resolved, len(data.source))
    with add_table_context("data.preprocess"):
        shape = Preprocess(resolved.preprocess).shape(data.source.shape)
    if resolved.prior.per_pixel and shape[1:] != data.source.shape[1:]:
        what = (
            f"it turns images of {data.source.shape[1:]} pixels into {shape[1:]}, and label maps have the stored size"
        )
        raise LatentclustError.at(
            "data.preprocess", what, "Leave out what resizes, and set data.size where the set has it"
        )
    _check_views(resolved, data.source.shape)
    return Experiment(resolved, data, shape, build_networks(resolved, shape))


def _check_sizes(resolved: Resolved, count: int) -> None:
    """Refuses more clusters than samples, but where pixels are clustered, and a batch larger than the set."""
    issues = []
    clusters, batch, devices = resolved.prior.clusters, resolved.recipe.train.batch_size, resolved.recipe.train.devices
    if clusters > count and not resolved.prior.per_pixel:
        issues.append(Issue("prior.clusters", f"{clusters} clusters for {count} samples", f"Use at most {count}"))
    if batch * devices > count:
        each = f" on each of {devices} devices" if devices > 1 else ""
        what = f"{batch}{each} for a set of {count}"
        issues.append(Issue("train.batch_size", what, f"Use at most {count // devices}"))
    raise_all(issues)


def _check_views(resolved: Resolved, shape: Shape) -> None:
    """Refuses, before training, a view that cannot take these images or would change their shape."""
    for name, steps in resolved.views.items():
        for step in steps:
            with add_table_context(f"views.{name}"):
                after = step.output_shape(shape) if isinstance(step, DeviceViewSpec) else shape
            if after != shape:
                what = f"it turns samples of shape {shape} into {after}"
                raise LatentclustError.at(f"views.{name}", what, "Move this step to data.preprocess")
