"""Random affine transforms of sequences of points in the plane, such as the pen positions of Pendigits."""

from typing import Annotated, ClassVar

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from latentclust.api import DeviceViewSpec, Images, LatentclustError, Shape
from latentclust.bundled.views.draws import FactorRange, log_uniform, uniform

CENTRE = 0.5
"""Coordinate of the fixed point of the transforms, the centre of the unit square."""


class PointAffine(DeviceViewSpec):
    """Rotates, scales, stretches, shears and shifts points `x1, y1, x2, y2, …` in the unit square, and adds noise.

    Example:
        ```toml
        [views.view]
        use = "point-affine"
        rotation = 15.0
        noise = 0.02
        ```
    """

    random: ClassVar[bool] = True

    rotation: Annotated[float, Field(ge=0, le=180)] = 15.0
    """Largest rotation in degrees, in either direction."""

    scale: FactorRange = (0.8, 1.2)
    """Range of the magnification, drawn log-uniformly."""

    aspect: FactorRange = (0.8, 1.25)
    """Range of the ratio of width to height of a square after stretching, with its area kept; drawn log-uniformly."""

    shear: Annotated[float, Field(ge=0, lt=90)] = 10.0
    """Largest horizontal shear in degrees, in either direction."""

    shift: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Largest shift in either direction, as a fraction of the side of the unit square."""

    noise: Annotated[float, Field(ge=0)] = 0.02
    """Standard deviation of the noise of each coordinate, in units of the side of the unit square."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Return the sequences `(b, 2 n)` transformed. Points outside the unit square are clamped to it."""
        self.output_shape(tuple(images.shape[1:]))
        points = images.view(len(images), -1, 2) - CENTRE  # (b, n, 2)
        shift = torch.stack([uniform(len(images), -self.shift, self.shift, rng) for _ in range(2)], dim=1)
        mapped = torch.einsum("bij,bnj->bni", self.matrices(len(images), rng), points) + shift[:, None] + CENTRE
        noisy = mapped + self.noise * torch.randn(mapped.shape, generator=rng, device=rng.device)
        return Images(noisy.flatten(1).clamp(0, 1))

    def matrices(self, count: int, rng: torch.Generator) -> Float[Tensor, "b 2 2"]:
        """Draw `count` linear maps: stretch and scale, then shear, then counter-clockwise rotation."""
        angle = uniform(count, -self.rotation, self.rotation, rng).deg2rad()
        lean = uniform(count, -self.shear, self.shear, rng).deg2rad().tan()
        scale, aspect = log_uniform(count, self.scale, rng), log_uniform(count, self.aspect, rng).sqrt()
        cos, sin = angle.cos(), angle.sin()
        across, up = scale * aspect, scale / aspect
        rows = ((cos * across, (cos * lean - sin) * up), (sin * across, (sin * lean + cos) * up))
        return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)

    def output_shape(self, shape: Shape) -> Shape:
        """Return the same shape. Raise LatentclustError for anything except vectors of coordinate pairs."""
        if len(shape) != 1 or shape[0] % 2:
            what = f"samples have shape {shape}, not (2 n,)"
            raise LatentclustError.at("point-affine", what, "Use it on sequences of points in the plane")
        return shape
