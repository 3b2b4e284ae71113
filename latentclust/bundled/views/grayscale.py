"""Graying, which DCCS (Zhao et al. 2020) applies to every colour image before its networks."""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from latentclust.api import DeviceViewSpec, Images, Shape
from latentclust.bundled.views.shapes import GREY_CHANNELS, RGB_CHANNELS, colour_shape

LUMA_WEIGHTS = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in the luma of ITU-R BT.601."""


class Grayscale(DeviceViewSpec):
    """Replaces red, green and blue by their luma (ITU-R BT.601); grey images pass as they are."""

    random: ClassVar[bool] = False

    keep_channels: bool = False
    """Repeat the grey level in three channels, as networks trained on colour images expect."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Images `(b, 1 or 3, h, w)` to `(b, 1, h, w)`, or `(b, 3, h, w)` with `keep_channels`."""
        channels, _, _ = self.output_shape(tuple(images.shape[1:]))
        return Images(luma(images).expand(-1, channels, -1, -1))

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """One channel, or as many as before with `keep_channels`; raises LatentclustError for other than 1 or 3."""
        channels, height, width = colour_shape("grayscale", shape)
        return (channels if self.keep_channels else GREY_CHANNELS, height, width)


def luma(images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1 h w"]:
    """The grey level: the luma of the first three channels, or where there are fewer, the mean of those there are."""
    if images.shape[1] < RGB_CHANNELS:
        return images.mean(dim=1, keepdim=True)
    # Scalars, not a tensor of weights: copying one to the device would forbid capture in a CUDA graph.
    red, green, blue = images[:, 0:1], images[:, 1:2], images[:, 2:3]
    return LUMA_WEIGHTS[0] * red + LUMA_WEIGHTS[1] * green + LUMA_WEIGHTS[2] * blue
