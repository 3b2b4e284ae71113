"""Conversion to grey, which DCCS (Zhao et al. 2020) applies to every colour image."""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from latentclust.api import DeviceViewSpec, Images, Shape
from latentclust.bundled.views.shapes import GREY_CHANNELS, RGB_CHANNELS, colour_shape

LUMA_WEIGHTS = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luma of ITU-R BT.601."""


class Grayscale(DeviceViewSpec):
    """Replaces red, green and blue by their luma (ITU-R BT.601). Grey images are unchanged.

    Example:
        ```toml
        [data]
        use = "cifar10"
        preprocess = [{ use = "grayscale" }]
        ```
    """

    random: ClassVar[bool] = False

    keep_channels: bool = False
    """Whether the grey level is repeated in all channels, for networks that expect colour images."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Return images `(b, 1 or 3, h, w)` as `(b, 1, h, w)`, or in the same shape with `keep_channels`."""
        channels, _, _ = self.output_shape(tuple(images.shape[1:]))
        return Images(luma(images).expand(-1, channels, -1, -1))

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """Return the shape with one channel, or unchanged with `keep_channels`.

        Raises:
            LatentclustError: If there are neither 1 nor 3 channels.
        """
        channels, height, width = colour_shape("grayscale", shape)
        return (channels if self.keep_channels else GREY_CHANNELS, height, width)


def luma(images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1 h w"]:
    """Return the grey level: the luma of the first three channels, or the mean of fewer channels."""
    if images.shape[1] < RGB_CHANNELS:
        return images.mean(dim=1, keepdim=True)
    # Use numbers, not a tensor of weights: its copy to the device would prevent the capture in a CUDA graph.
    red, green, blue = images[:, 0:1], images[:, 1:2], images[:, 2:3]
    return LUMA_WEIGHTS[0] * red + LUMA_WEIGHTS[1] * green + LUMA_WEIGHTS[2] * blue
