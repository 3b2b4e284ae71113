"""The preprocessing of a recipe, and the steps of it that are fitted to the training images."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor

from latentclust.assemble.build import add_table_context
from latentclust.data.open_feed import sequential
from latentclust.data.subset import spread_indices, subset
from latentclust.generators import CPU
from latentclust.networks.features import FeatureNetwork
from latentclust.phases import SILENT, Phases
from latentclust.specs.data import ImageSet
from latentclust.specs.views import DeviceViewSpec, FittedStep, FittedViewSpec
from latentclust.tensors import Images, Mask, Shape

SAMPLE = 500
"""Largest number of training images that a step is fitted to, evenly spread."""

SAMPLE_PIXELS = 2**22
"""Largest number of their pixels, if they are several images."""

VALUES_AT_ONCE = 2**24
"""Largest number of values of a batch that a step is fitted to, before or after the step, if they are several images:
steps of many channels, and their copies in float64, would take gigabytes."""

Step = DeviceViewSpec | FittedViewSpec
"""A step as the recipe names it."""

Fitted = Mapping[int, Mapping[str, Tensor]]
"""Tensors of fitted steps by the position of the step and by name."""


@dataclass(frozen=True, slots=True)
class Preprocess:
    """The preprocessing of a recipe: from images as stored to images as the networks read them.

    Attributes:
        steps: Deterministic steps, in order.
        features: Frozen network that comes last. None without `[features]`.
    """

    steps: tuple[DeviceViewSpec | FittedStep, ...] = ()
    features: FeatureNetwork | None = None

    def __call__(self, images: Images, rng: torch.Generator) -> Images:
        """Return preprocessed images `(b, *self.shape(shape))` of images `(b, *shape)`."""
        for step in self.steps:
            images = step.apply(images, rng)
        return images if self.features is None else self.features(images)

    def shape(self, shape: Shape) -> Shape:
        """Return the shape of a sample after all steps."""
        shape = shape_after(self.steps, shape)
        return shape if self.features is None else (self.features.width,)


def shape_after(steps: Sequence[Step | FittedStep], shape: Shape) -> Shape:
    """Return the shape of a sample after some steps, fitted or not."""
    for step in steps:
        shape = step.output_shape(shape)
    return shape


def bind(steps: Sequence[Step], fitted: Fitted) -> tuple[DeviceViewSpec | FittedStep, ...]:
    """Return the steps of a recipe, those that are fitted with their tensors."""
    return tuple(
        FittedStep(step, fitted[position]) if isinstance(step, FittedViewSpec) else step
        for position, step in enumerate(steps)
    )


@torch.no_grad()
def fit_steps(steps: Sequence[Step], data: ImageSet, phases: Phases = SILENT) -> dict[int, Mapping[str, Tensor]]:
    """Fit the steps that need it to a sample of the training images, each to the output of those before it.

    Raises:
        LatentclustError: If the images do not suffice for a step.
    """
    fitted: dict[int, Mapping[str, Tensor]] = {}
    for position, step in enumerate(steps):
        if isinstance(step, FittedViewSpec):
            before = Preprocess(bind(steps[:position], fitted))
            phases.begin("fitting the preprocessing")
            with add_table_context(f"data.preprocess.{position}"):
                fitted[position] = step.fit(_batches(data, before, step))
    return fitted


def _batches(data: ImageSet, before: Preprocess, step: FittedViewSpec) -> Iterator[tuple[Images, Mask]]:
    """Yield images of the sample as a step reads them, with the mask of their valid pixels."""
    sides, rng = data.source.shape[1:], torch.Generator().manual_seed(0)
    most = max(1, min(SAMPLE, SAMPLE_PIXELS // prod(sides)))
    part = subset(data, spread_indices(len(data.source), most))
    read = before.shape(data.source.shape)
    values = max(prod(read), prod(step.output_shape(read)))
    size = max(1, min(most, VALUES_AT_ONCE // values)) if sides else most
    for stored, at in sequential(part.source, size, CPU):
        images = before(stored, rng)
        valid = np.ones((len(at), *images.shape[2:]), np.bool_) if part.valid is None else part.valid.read(at.numpy())
        yield images, Mask(torch.from_numpy(valid))
