"""A generator that draws a picture and warps it: transformed templates (Frey and Jojic 2003; Monnier et al. 2020)."""

from typing import Literal, final

import torch
from jaxtyping import Float
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from latentclust.api import DecoderSpec, Shape
from latentclust.bundled.backbones.layers import OutputName, image_shape, output_layer
from latentclust.bundled.backbones.mlp import Mlp

AFFINE = 6
"""Number of values of an affine map of the plane: four of the linear part, two of the shift."""


@final
class Warped(DecoderSpec):
    """Linear layers draw a picture from the category, and the last style values move it: rotation, scale, shear, bends.

    The last values of the latent vector are 6 for the affine map, 2 `control`² for bends, and one for the `stroke`;
    zeros leave the picture as it is. The other style values are inputs of the linear layers, as in `mlp`. If there are
    none, each cluster is one picture, and its images differ by these values alone. For Langevin-Gibbs inference with
    one chain per cluster.

    Example:
        ```toml
        [networks.generator]
        use = "warped"
        hidden = []
        linear = 0.15
        shift = 0.06
        ```
    """

    hidden: tuple[PositiveInt, ...] = (128, 128)
    """Widths of the linear layers that draw the picture. Without any, each cluster has free pixels."""

    linear: NonNegativeFloat = 0.15
    """Entries of the linear part of the map, minus the identity, for a style value of 1. 0.15 turns by 9 degrees."""

    shift: NonNegativeFloat = 0.06
    """Shift for a style value of 1, as a fraction of the side of the image."""

    control: NonNegativeInt = 0
    """Number of control points on each axis that bend the picture smoothly. 0 for affine maps only."""

    bend: NonNegativeFloat = 0.03
    """Displacement of a control point for a style value of 1, as a fraction of the side of the image."""

    stroke: NonNegativeFloat = 0.0
    """Value that a style value of 1 adds to all pixels before the output function. Bright strokes become wider, as
    those of a broader pen. Without it, thick and thin digits become different clusters. 0 for none."""

    padding: Literal["zeros", "border"] = "zeros"
    """Values beyond the edge of the picture: `zeros` or those of the `border`."""

    output: OutputName = "sigmoid"
    """Output function. Images lie in [0, 1], so `tanh` is rescaled to that range."""

    @property
    def least_style(self) -> int:
        """Number of style values of the warp and the stroke."""
        return AFFINE + 2 * self.control**2 + (self.stroke > 0)

    def decoder(self, width: int, shape: Shape) -> nn.Module:
        """Return a module from `(b, width)` to images `(b, c, h, w)`. Raise LatentclustError for other samples."""
        _, *sides = image_shape("warped", shape)
        canvas = Mlp(hidden=self.hidden, output="linear").decoder(width - self.least_style, shape)
        return WarpedNetwork(self, canvas, (sides[0], sides[1]))


@final
class WarpedNetwork(nn.Module):
    """A drawn picture, resampled bilinearly where the warp says."""

    bends: Tensor

    def __init__(self, spec: Warped, canvas: nn.Module, size: tuple[int, int]) -> None:
        """Combine `canvas`, from `(b, d)` to `(b, c, h, w)` before the output function, with a warp of that size."""
        super().__init__()
        self.spec, self.canvas, self.size = spec, canvas, size
        self.output = output_layer(spec.output)
        if spec.control:
            self.register_buffer("bends", bend_basis(spec.control, size), persistent=False)

    def forward(self, latent: Float[Tensor, "b width"]) -> Float[Tensor, "b c h w"]:
        """Return the pictures of the leading values, warped by the last ones."""
        warp = latent.shape[1] - self.spec.least_style
        pictures = self.canvas(latent[:, :warp])
        with torch.autocast(latent.device.type, enabled=False):  # bf16 resolves a coordinate to a tenth of a pixel
            values = latent[:, warp:].float()
            if self.spec.stroke:
                pictures = pictures + self.spec.stroke * values[:, -1, None, None, None]
            return functional.grid_sample(
                self.output(pictures.float()),
                self.positions(values),
                mode="bilinear",
                padding_mode=self.spec.padding,
                align_corners=False,
            )

    def positions(self, warp: Float[Tensor, "b n"]) -> Float[Tensor, "b h w 2"]:
        """Return where each pixel reads the picture, x and y in [-1, 1] from edge to edge."""
        spec, (height, width) = self.spec, self.size
        down, right = pixel_centres(height, warp)[:, None], pixel_centres(width, warp)
        linear, shift = spec.linear * warp[:, :4, None, None], 2 * spec.shift * warp[:, 4:AFFINE, None, None]
        axes = [
            right + linear[:, 0] * right + linear[:, 1] * down + shift[:, 0],
            down + linear[:, 2] * right + linear[:, 3] * down + shift[:, 1],
        ]
        if not spec.control:
            return torch.stack(axes, dim=3)
        points = warp[:, AFFINE : AFFINE + 2 * spec.control**2]
        moved = points.reshape(-1, spec.control**2) @ self.bends
        bends = (2 * spec.bend * moved).view(-1, 2, *self.size)
        return torch.stack([axis + bends[:, place] for place, axis in enumerate(axes)], dim=3)


def pixel_centres(count: int, like: Tensor) -> Float[Tensor, " count"]:
    """Return the centres of `count` pixels in [-1, 1] from edge to edge, on the device of a tensor."""
    return (2 * torch.arange(count, device=like.device, dtype=like.dtype) + 1) / count - 1


def bend_basis(control: int, size: tuple[int, int]) -> Float[Tensor, "p hw"]:
    """Return the displacement of each pixel for a unit displacement of each of `control`² points: bicubic weights."""
    points = torch.eye(control**2).view(-1, 1, control, control)
    return functional.interpolate(points, size=size, mode="bicubic", align_corners=True).flatten(1)
