"""Random affine transforms: rotation, scale, aspect, shear and shift about the centre of the image."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from latentclust.api import Alignment, Images, MovingViewSpec, Shape, View
from latentclust.bundled.views.draws import FactorRange, Probability, bernoulli, log_uniform, uniform
from latentclust.bundled.views.shapes import image_shape

Padding = Literal["zeros", "border", "reflection"]


class Affine(MovingViewSpec):
    """Rotates, scales, stretches, shears and shifts images with bilinear resampling.

    Example:
        ```toml
        [views.view]
        use = "affine"
        rotation = 10.0
        scale = [0.9, 1.1]
        shift = 0.06
        ```
    """

    random: ClassVar[bool] = True

    rotation: Annotated[float, Field(ge=0, le=180)] = 15.0
    """Largest rotation in degrees, in either direction."""

    scale: FactorRange = (0.8, 1.2)
    """Range of the magnification, drawn log-uniformly."""

    aspect: FactorRange = (0.9, 1.1)
    """Range of the ratio of width to height of a square after stretching, with its area kept; drawn log-uniformly."""

    shear: Annotated[float, Field(ge=0, lt=90)] = 0.0
    """Largest horizontal shear in degrees, in either direction."""

    shift: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Largest shift in either direction, as a fraction of the width and of the height."""

    padding: Padding = "zeros"
    """Values outside the image: black (`zeros`), the border pixels (`border`) or the mirror image (`reflection`)."""

    probability: Probability = 1.0
    """Probability that an image is changed, independent for each image."""

    def move(self, images: Images, rng: torch.Generator) -> View:
        """Return the images `(b, c, h, w)`, each transformed with `probability`, and their alignment."""
        _, height, width = self.output_shape(tuple(images.shape[1:]))
        matrices = inverse_matrices(self.draw(len(images), rng), (height, width))
        changed = bernoulli(len(images), self.probability, rng)
        identity = torch.eye(*matrices.shape[1:], device=rng.device)
        alignment = Alignment(torch.where(changed[:, None, None], matrices, identity))
        return View(Images(warp(images, alignment, self.padding)), alignment)

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """Return the same shape. Raise LatentclustError for vectors."""
        return image_shape("affine", shape)

    def draw(self, count: int, rng: torch.Generator) -> "AffineParameters":
        """Draw the parameters of `count` independent transforms."""
        return AffineParameters(
            rotation=uniform(count, -self.rotation, self.rotation, rng),
            scale=log_uniform(count, self.scale, rng),
            aspect=log_uniform(count, self.aspect, rng),
            shear=uniform(count, -self.shear, self.shear, rng),
            right=uniform(count, -self.shift, self.shift, rng),
            down=uniform(count, -self.shift, self.shift, rng),
        )


@dataclass(frozen=True, slots=True)
class AffineParameters:
    """The parameters of affine transforms, one per sample: stretch and scale, then shear, rotation and shift.

    Attributes:
        rotation: Counter-clockwise rotation of the displayed image in degrees.
        scale: Magnification.
        aspect: Ratio of width to height of a square after stretching.
        shear: Angle in degrees by which vertical lines lean, with their lower ends to the right.
        right: Shift to the right, as a fraction of the width.
        down: Shift downwards, as a fraction of the height.
    """

    rotation: Float[Tensor, " b"]
    scale: Float[Tensor, " b"]
    aspect: Float[Tensor, " b"]
    shear: Float[Tensor, " b"]
    right: Float[Tensor, " b"]
    down: Float[Tensor, " b"]


def inverse_matrices(parameters: AffineParameters, size: tuple[int, int]) -> Float[Tensor, "b 2 3"]:
    """Return the affine maps from pixels of the result to those of the source, in the [-1, 1] units of `affine_grid`.

    Args:
        parameters: Transforms of the images.
        size: Height and width in pixels, so that a rotation does not shear an image that is not square.
    """
    height, width = size
    cos, sin = parameters.rotation.deg2rad().cos(), parameters.rotation.deg2rad().sin()
    lean = parameters.shear.deg2rad().tan()
    stretch_x = parameters.scale * parameters.aspect.sqrt()
    stretch_y = parameters.scale / parameters.aspect.sqrt()
    # (1 / stretch) (1, -lean; 0, 1) (cos, -sin; sin, cos), converted from pixels to half widths and half heights.
    rows = (
        ((cos - lean * sin) / stretch_x, -(sin + lean * cos) / stretch_x * height / width),
        (sin / stretch_y * width / height, cos / stretch_y),
    )
    offset = (2 * parameters.right, 2 * parameters.down)
    return torch.stack(
        [torch.stack((x, y, -(x * offset[0] + y * offset[1])), dim=1) for x, y in rows], dim=1
    )  # (b, 2, 3)


def warp(
    images: Float[Tensor, "b c h w"], matrices: Float[Tensor, "b 2 3"], padding: Padding
) -> Float[Tensor, "b c h w"]:
    """Return images resampled bilinearly at the positions given by `matrices`."""
    grid = functional.affine_grid(matrices, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode=padding, align_corners=False)
