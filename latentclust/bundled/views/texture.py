"""Texture of the neighbourhood of each pixel: energies of Gabor filters, and local binary patterns."""

import math
from functools import cache
from typing import Annotated, ClassVar, final

import torch
from jaxtyping import Float
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor
from torch.nn import functional

from latentclust.api import DeviceViewSpec, Images, Shape
from latentclust.bundled.views.local_statistics import Window, box_mean
from latentclust.bundled.views.shapes import image_shape

NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
"""Steps (down, right) to the eight neighbours of a pixel, in a circle."""

PATTERNS = 10
"""Number of patterns: nine uniform ones, by the number of brighter neighbours, and one for all others."""


@final
class Gabor(DeviceViewSpec):
    """Replaces images by the local energy of Gabor filters of several scales (Jain and Farrokhnia 1991).

    The energy of an even and an odd filter, averaged over a neighbourhood, tells how strongly the grey level varies at
    a scale. The mean over the orientations and their standard deviation do not depend on the direction of the texture:
    large deviations mean stripes. The grey level is the mean of the channels. It must be the last preprocessing step,
    or be in a `union`.

    Example:
        ```toml
        [data]
        use = "dubai"
        preprocess = [{ use = "union", parts = [{ use = "local-statistics" }, { use = "gabor", scales = [1, 2, 4] }] }]
        ```
    """

    random: ClassVar[bool] = False

    scales: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)] = (1.0, 2.0, 4.0)
    """Standard deviations of the filters' windows in pixels; the wavelength is four times as long."""

    orientations: Annotated[int, Field(ge=2)] = 4
    """Number of orientations."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Return mean and deviation of the energies over the orientations, scale by scale, `(b, 2 s, h, w)`."""
        self.output_shape(tuple(images.shape[1:]))
        grey = images.mean(dim=1, keepdim=True)
        found = []
        for scale in self.scales:
            energies = _energies(grey, scale, self.orientations)
            found += [energies.mean(dim=1), energies.std(dim=1, correction=0)]
        return Images(torch.stack(found, dim=1))

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """Return the shape with two channels per scale. Raise LatentclustError for vectors."""
        _, height, width = image_shape("gabor", shape)
        return 2 * len(self.scales), height, width


@final
class LocalBinaryPatterns(DeviceViewSpec):
    """Replaces images by the shares of local binary patterns about each pixel (Ojala, Pietikäinen and Mäenpää 2002).

    A pattern says which of eight neighbours at a distance are not darker than a pixel by more than a tolerance.
    Patterns that are equal up to a rotation count as one, and those with more than two changes along the circle as one
    more. The grey level is the mean of the channels. It must be the last preprocessing step, or be in a `union`.

    Example:
        ```toml
        [data]
        use = "dubai"
        preprocess = [{ use = "union", parts = [{ use = "local-statistics" }, { use = "local-binary-patterns" }] }]
        ```
    """

    random: ClassVar[bool] = False

    distances: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (1, 2)
    """Distances of the neighbours in pixels, along rows and columns."""

    window: Window = 15
    """Side in pixels of the square over which patterns are counted. It must be odd."""

    tolerance: Annotated[float, Field(ge=0)] = 0.01
    """Difference of grey levels in [0, 1] below which a neighbour counts as equal, so that noise makes no pattern."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Return the shares of ten patterns, distance by distance, `(b, 10 m, h, w)`."""
        self.output_shape(tuple(images.shape[1:]))
        grey = images.mean(dim=1, keepdim=True)
        shares = [box_mean(_patterns(grey, distance, self.tolerance), self.window) for distance in self.distances]
        return Images(torch.cat(shares, dim=1))

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """Return the shape with ten channels per distance. Raise LatentclustError for vectors."""
        _, height, width = image_shape("local-binary-patterns", shape)
        return PATTERNS * len(self.distances), height, width


@cache
def _filters(scale: float, orientations: int) -> Float[Tensor, "o 2 k k"]:
    """Return an even and an odd filter for each orientation. A constant image yields 0."""
    radius = math.ceil(3 * scale)
    down, right = torch.meshgrid(*[torch.arange(-radius, radius + 1.0)] * 2, indexing="ij")
    window = torch.exp(-(down.square() + right.square()) / (2 * scale**2))
    window = window / window.sum()
    found = []
    for number in range(orientations):
        angle = math.pi * number / orientations
        phase = (right * math.cos(angle) + down * math.sin(angle)) * (math.pi / (2 * scale))
        even, odd = window * phase.cos(), window * phase.sin()
        found.append(torch.stack((even - window * even.sum(), odd)))
    return torch.stack(found)


def _energies(grey: Float[Tensor, "b 1 h w"], scale: float, orientations: int) -> Float[Tensor, "b o h w"]:
    """Return the energy at each orientation, averaged over a neighbourhood of about four scales."""
    filters = _filters(scale, orientations).to(grey.device)
    radius = filters.shape[-1] // 2
    padded = functional.pad(grey, (radius, radius, radius, radius), mode="replicate")
    answers = functional.conv2d(padded, filters.flatten(0, 1)[:, None]).square()
    energies = (answers[:, 0::2] + answers[:, 1::2]).sqrt()
    side = 2 * math.ceil(2 * scale) + 1
    return box_mean(box_mean(energies, side), side)


def _patterns(grey: Float[Tensor, "b 1 h w"], distance: int, tolerance: float) -> Float[Tensor, "b p h w"]:
    """Return 1 for the pattern of each pixel, and 0 for the others."""
    height, width = grey.shape[2:]
    padded = functional.pad(grey, (distance, distance, distance, distance), mode="replicate")
    brighter = torch.cat(
        [
            padded[:, :, distance * (1 + down) :, distance * (1 + right) :][:, :, :height, :width] >= grey - tolerance
            for down, right in NEIGHBOURS
        ],
        dim=1,
    ).int()
    changes = (brighter - brighter.roll(1, dims=1)).abs().sum(dim=1)
    code = torch.where(changes <= 2, brighter.sum(dim=1), PATTERNS - 1)
    return functional.one_hot(code.long(), PATTERNS).movedim(-1, 1).float()
