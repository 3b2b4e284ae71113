"""Random affine maps of planar point sequences, such as the pen positions of Pendigits."""

from typing import Annotated, ClassVar

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from latentclust.api import DeviceViewSpec, Images, LatentclustError, Shape
from latentclust.bundled.views.draws import FactorRange, log_uniform, uniform

CENTRE = 0.5
"""About which points in the unit square are mapped."""


class PointAffine(DeviceViewSpec):
    """Rotates, scales, stretches, shears and shifts points `x1, y1, x2, y2, …` in the unit square, and shakes each."""

    random: ClassVar[bool] = True

    rotation: Annotated[float, Field(ge=0, le=180)] = 15.0
    """Largest rotation either way; degrees."""

    scale: FactorRange = (0.8, 1.2)
    """Magnification; log-uniform."""

    aspect: FactorRange = (0.8, 1.25)
    """Width over height of what was square, its area kept; log-uniform."""

    shear: Annotated[float, Field(ge=0, lt=90)] = 10.0
    """Largest horizontal shear either way; degrees."""

    shift: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Largest shift either way, as a share of the unit square's side."""

    noise: Annotated[float, Field(ge=0)] = 0.02
    """Standard deviation of each coordinate's own shake."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Maps each of the sequences `(b, 2 n)`; points may leave the unit square, where they are clamped."""
        self.output_shape(tuple(images.shape[1:]))
        points = images.view(len(images), -1, 2) - CENTRE  # (b, n, 2)
        shift = torch.stack([uniform(len(images), -self.shift, self.shift, rng) for _ in range(2)], dim=1)
        mapped = torch.einsum("bij,bnj->bni", self.matrices(len(images), rng), points) + shift[:, None] + CENTRE
        shaken = mapped + self.noise * torch.randn(mapped.shape, generator=rng, device=rng.device)
        return Images(shaken.flatten(1).clamp(0, 1))

    def matrices(self, count: int, rng: torch.Generator) -> Float[Tensor, "b 2 2"]:
        """`count` linear maps: stretched and scaled first, then sheared, then rotated counter-clockwise."""
        angle = uniform(count, -self.rotation, self.rotation, rng).deg2rad()
        lean = uniform(count, -self.shear, self.shear, rng).deg2rad().tan()
        scale, aspect = log_uniform(count, self.scale, rng), log_uniform(count, self.aspect, rng).sqrt()
        cos, sin = angle.cos(), angle.sin()
        across, up = scale * aspect, scale / aspect
        rows = ((cos * across, (cos * lean - sin) * up), (sin * across, (sin * lean + cos) * up))
        return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)

    def output_shape(self, shape: Shape) -> Shape:
        """The same shape; raises LatentclustError for anything but vectors of coordinate pairs."""
        if len(shape) != 1 or shape[0] % 2:
            what = f"samples have shape {shape}, not (2 n,)"
            raise LatentclustError.at("point-affine", what, "Use it on sequences of planar points")
        return shape
