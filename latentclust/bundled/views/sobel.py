"""Sobel filtering, with which IIC (Ji et al. 2019) and DCCS (Zhao et al. 2020), supplementary E, take out colour."""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from latentclust.api import DeviceViewSpec, Images, Shape
from latentclust.bundled.views.grayscale import luma
from latentclust.bundled.views.shapes import colour_shape

DIRECTIONS = 2
"""Horizontal and vertical."""


class Sobel(DeviceViewSpec):
    """Gradients of the grey level by the 3×3 Sobel kernels (1, 2, 1) × (-1, 0, 1); the last preprocessing step.

    The kernels are not normalised, as in the papers: a ramp of g a pixel answers 8 g, and values lie in [-4, 4]. They
    leave [0, 1], so that no view which expects images may follow. Beyond the border the edge pixels repeat.
    """

    random: ClassVar[bool] = False

    keep: bool = False
    """Put the image's own channels before the gradients, as IIC does on COCO-Stuff."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Images `(b, 1 or 3, h, w)` to gradients rightwards and downwards, `(b, 2, h, w)`; with `keep`, after them."""
        self.output_shape(tuple(images.shape[1:]))
        gradients = sobel(luma(images))
        return Images(torch.cat((images, gradients), dim=1) if self.keep else gradients)

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """Two channels, with `keep` two more than before; raises LatentclustError for other than 1 or 3."""
        channels, height, width = colour_shape("sobel", shape)
        return (DIRECTIONS + (channels if self.keep else 0), height, width)


def sobel(grey: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 2 h w"]:
    """The Sobel responses rightwards and downwards, eight times the gradient a pixel."""
    padded = functional.pad(grey, (1, 1, 1, 1), mode="replicate")
    down_smooth = padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]
    across_smooth = padded[..., :-2] + 2 * padded[..., 1:-1] + padded[..., 2:]
    rightwards = down_smooth[..., 2:] - down_smooth[..., :-2]
    downwards = across_smooth[:, :, 2:] - across_smooth[:, :, :-2]
    return torch.cat((rightwards, downwards), dim=1)
