"""Random affine maps: rotation, scale, aspect, shear and shift about the image's centre."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from latentclust.api import Alignment, Images, MovingViewSpec, Shape, View
from latentclust.bundled.views.draws import FactorRange, Probability, chosen, log_uniform, uniform
from latentclust.bundled.views.shapes import image_shape

Padding = Literal["zeros", "border", "reflection"]


class Affine(MovingViewSpec):
    """Rotates, scales, stretches, shears and shifts images, resampled bilinearly; for colours, see colour-jitter."""

    random: ClassVar[bool] = True

    rotation: Annotated[float, Field(ge=0, le=180)] = 15.0
    """Largest rotation either way; degrees."""

    scale: FactorRange = (0.8, 1.2)
    """Magnification; log-uniform."""

    aspect: FactorRange = (0.9, 1.1)
    """Width over height of what was square, its area kept; log-uniform."""

    shear: Annotated[float, Field(ge=0, lt=90)] = 0.0
    """Largest horizontal shear either way; degrees."""

    shift: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Largest shift either way, as a share of the width and of the height."""

    padding: Padding = "zeros"
    """What lies outside the image: black, its edge pixels, or its mirror image."""

    probability: Probability = 1.0
    """Of each image, by itself, that it is changed."""

    def move(self, images: Images, rng: torch.Generator) -> View:
        """Maps each of the images `(b, c, h, w)` with `probability`."""
        _, height, width = self.output_shape(tuple(images.shape[1:]))
        maps = inverse_matrices(self.draw(len(images), rng), (height, width))
        mapped = chosen(len(images), self.probability, rng)
        identity = torch.eye(*maps.shape[1:], device=rng.device)
        places = Alignment(torch.where(mapped[:, None, None], maps, identity))
        return View(Images(warp(images, places, self.padding)), places)

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """The same shape; raises LatentclustError for vectors."""
        return image_shape("affine", shape)

    def draw(self, count: int, rng: torch.Generator) -> "Maps":
        """`count` independent maps."""
        return Maps(
            rotation=uniform(count, -self.rotation, self.rotation, rng),
            scale=log_uniform(count, self.scale, rng),
            aspect=log_uniform(count, self.aspect, rng),
            shear=uniform(count, -self.shear, self.shear, rng),
            right=uniform(count, -self.shift, self.shift, rng),
            down=uniform(count, -self.shift, self.shift, rng),
        )


@dataclass(frozen=True, slots=True)
class Maps:
    """Affine maps, one a sample: stretched and scaled first, then sheared, rotated, and shifted.

    Attributes:
        rotation: Counter-clockwise as the image is shown; degrees.
        scale: Magnification.
        aspect: Width over height of what was square.
        shear: How far vertical lines lean, their lower ends rightwards; degrees.
        right: Shift to the right, as a share of the width.
        down: Shift downwards, as a share of the height.
    """

    rotation: Float[Tensor, " b"]
    scale: Float[Tensor, " b"]
    aspect: Float[Tensor, " b"]
    shear: Float[Tensor, " b"]
    right: Float[Tensor, " b"]
    down: Float[Tensor, " b"]


def inverse_matrices(maps: Maps, size: tuple[int, int]) -> Float[Tensor, "b 2 3"]:
    """Where each place of the result comes from, in the coordinates of `affine_grid`, which span [-1, 1] either way.

    Args:
        maps: What is done to the images.
        size: Height and width, without which a rotation of a long image would shear it.
    """
    height, width = size
    cos, sin = maps.rotation.deg2rad().cos(), maps.rotation.deg2rad().sin()
    lean = maps.shear.deg2rad().tan()
    stretch_x, stretch_y = maps.scale * maps.aspect.sqrt(), maps.scale / maps.aspect.sqrt()
    # Per axis: (1 / stretch) (1, -lean; 0, 1) (cos, -sin; sin, cos), from pixels to half widths and half heights.
    rows = (
        ((cos - lean * sin) / stretch_x, -(sin + lean * cos) / stretch_x * height / width),
        (sin / stretch_y * width / height, cos / stretch_y),
    )
    offset = (2 * maps.right, 2 * maps.down)
    return torch.stack(
        [torch.stack((x, y, -(x * offset[0] + y * offset[1])), dim=1) for x, y in rows], dim=1
    )  # (b, 2, 3)


def warp(images: Float[Tensor, "b c h w"], maps: Float[Tensor, "b 2 3"], padding: Padding) -> Float[Tensor, "b c h w"]:
    """Images resampled bilinearly at the places that `maps` give."""
    grid = functional.affine_grid(maps, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode=padding, align_corners=False)
