"""Sobel filter, by which IIC (Ji et al. 2019) and DCCS (Zhao et al. 2020), supplementary E, remove colour."""

from typing import Annotated, ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field, PositiveFloat
from torch import Tensor
from torch.nn import functional

from latentclust.api import DeviceViewSpec, Images, Shape
from latentclust.bundled.views.grayscale import luma
from latentclust.bundled.views.shapes import colour_shape

DIRECTIONS = 2
"""Number of gradients: horizontal and vertical."""


class Sobel(DeviceViewSpec):
    """Replaces images by the gradients of the grey level from the 3×3 Sobel kernels (1, 2, 1) × (-1, 0, 1).

    With the default `scale` the kernels are not normalised, as in IIC: a ramp of g per pixel yields 8 g, and values lie
    in [-4, 4]. It must be the last preprocessing step, since other views expect values in [0, 1].

    The authors' code of DCCS divides the kernels by 8, reads images in [-1, 1] and pads them with 0: this is
    `scale = 0.25` and `border = 0.5` of images in [0, 1], except for the sign, as its gradients point left and up.

    Example:
        ```toml
        [data]
        use = "stl10"
        preprocess = [{ use = "sobel", scale = 0.25, border = 0.5 }]
        ```
    """

    random: ClassVar[bool] = False

    keep: bool = False
    """Whether the channels of the image are kept in front of the gradients, as in IIC on COCO-Stuff."""

    scale: PositiveFloat = 1.0
    """Factor of the gradients."""

    border: Literal["repeat"] | Annotated[float, Field(ge=0, le=1)] = "repeat"
    """Grey level outside the image, in [0, 1], or `repeat` for that of the border pixels."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Return the gradients of images `(b, 1 or 3, h, w)` to the right and downwards, `(b, 2, h, w)`.

        With `keep` they follow the channels of the images.
        """
        self.output_shape(tuple(images.shape[1:]))
        gradients = self.scale * sobel(luma(images), self.border)
        return Images(torch.cat((images, gradients), dim=1) if self.keep else gradients)

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """Return the shape with two channels, or with `keep` two channels more.

        Raises:
            LatentclustError: If there are neither 1 nor 3 channels.
        """
        channels, height, width = colour_shape("sobel", shape)
        return (DIRECTIONS + (channels if self.keep else 0), height, width)


def sobel(grey: Float[Tensor, "b 1 h w"], border: Literal["repeat"] | float = "repeat") -> Float[Tensor, "b 2 h w"]:
    """Return the Sobel responses to the right and downwards, eight times the gradient per pixel.

    Args:
        grey: Grey levels.
        border: Grey level outside the image, or `repeat` for that of the border pixels.
    """
    sides = (1, 1, 1, 1)
    how = {"mode": "replicate"} if border == "repeat" else {"value": border}
    padded = functional.pad(grey, sides, **how)
    down_smooth = padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]
    across_smooth = padded[..., :-2] + 2 * padded[..., 1:-1] + padded[..., 2:]
    rightwards = down_smooth[..., 2:] - down_smooth[..., :-2]
    downwards = across_smooth[:, :, 2:] - across_smooth[:, :, :-2]
    return torch.cat((rightwards, downwards), dim=1)
