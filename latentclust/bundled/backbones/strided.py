"""Stacks of 4x4 convolutions of stride 2, down to a small map and up to an image, as in DCGAN (Radford et al. 2016)."""

from itertools import pairwise

from torch import nn

from latentclust.api import Shape
from latentclust.bundled.backbones.layers import KERNEL, Crop, LayeredSpec, output_layer


def side_after(side: int, convs: int, padding: int) -> int:
    """Pixels along a side of `side` pixels after `convs` strided convolutions."""
    for _ in range(convs):
        side = (side + 2 * padding - KERNEL) // 2 + 1
    return side


def least_side(convs: int, padding: int) -> int:
    """The smallest side, in pixels, of which one pixel is left after `convs` strided convolutions."""
    side = 1
    for _ in range(convs):
        side = 2 * (side - 1) + KERNEL - 2 * padding
    return side


def start_grid(channels: tuple[int, ...], shape: Shape) -> tuple[int, int, int]:
    """The deepest map `(c, h, w)` that as many doublings as there are widths grow to at least an image of `shape`."""
    _, height, width = shape
    stride = 2 ** len(channels)
    return channels[-1], -(-height // stride), -(-width // stride)


def upconvs(spec: LayeredSpec, channels: tuple[int, ...], shape: Shape) -> nn.Sequential:
    """From the flat start grid to images; `channels` are the widths of the maps, shallowest first."""
    image_channels, height, width = shape
    return nn.Sequential(
        nn.Unflatten(1, start_grid(channels, shape)),
        *(spec.upconv(*fan) for fan in pairwise(reversed(channels))),
        nn.ConvTranspose2d(channels[0], image_channels, KERNEL, stride=2, padding=1),
        Crop(height, width),
        output_layer(spec.output),
    )
