"""The generator of label maps: every cluster draws a layer of the picture from one style that all share."""

from itertools import pairwise
from math import log2
from typing import final

import torch
from jaxtyping import Float
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from latentclust.api import LatentclustError, LayeredDecoder, LayeredDecoderSpec, Shape
from latentclust.bundled.backbones.layers import OutputName, image_shape, output_layer
from latentclust.bundled.backbones.map_layers import KERNEL


@final
class LayeredDecoderNetwork(LayeredDecoderSpec):
    """Convolutions on the style's grid, shared by all clusters, and a last layer whose channels are the clusters'.

    Between the places of the grid layers are interpolated, so that without `doublings` a layer is a smooth field of
    colour, and edges and texture are left for the label map to explain. Each doubling lets the decoder draw finer.
    """

    width: PositiveInt = 32
    """Channels of the shared convolutions."""

    depth: PositiveInt = 2
    """Convolutions on the style's grid."""

    doublings: NonNegativeInt = 0
    """Times that the grid is refined by a learned convolution; what is left of the stride is interpolated."""

    spread: NonNegativeFloat = 0.5
    """Standard deviation of the colours that clusters begin with, before the output's function."""

    output: OutputName = "sigmoid"
    """What brings the layers into [0, 1]; `tanh` is rescaled to that range."""

    def layered_decoder(self, clusters: int, style_dim: int, stride: int, shape: Shape) -> LayeredDecoder:
        """The body for images `(c, h, w)`; raises LatentclustError where the stride cannot be doubled so often."""
        channels, height, width = image_shape("layered-decoder", shape)
        if stride % 2**self.doublings:
            what = f"{self.doublings} doublings of a style with a place for {stride}x{stride} pixels"
            raise LatentclustError.at("layered-decoder.doublings", what, f"Use at most {int(log2(stride & -stride))}")
        if height % stride or width % stride:
            what = f"images of {height}x{width} pixels, and a place of the style for {stride}x{stride}"
            raise LatentclustError.at("prior.style_stride", what, "Use a divisor of both sides")
        palette = nn.Parameter(self.spread * torch.randn(clusters, channels))
        return Layers(self, palette, style_dim, stride) if style_dim else ColourHead(palette, stride, self.output)


@final
class ColourHead(LayeredDecoder):
    """Layers of one colour each, where there is no style."""

    def __init__(self, palette: nn.Parameter, stride: int, output: OutputName) -> None:
        super().__init__()
        self.palette, self.stride, self.output = palette, stride, output_layer(output)

    def forward(self, style: Float[Tensor, "b 0 y x"]) -> Float[Tensor, "b k c h w"]:
        """Every cluster's colour at the image's size."""
        sides = [side * self.stride for side in style.shape[2:]]
        colours: Tensor = self.output(self.palette)
        return colours[:, :, None, None].expand(len(style), -1, -1, *sides)


@final
class Layers(LayeredDecoder):
    """The decoder. It has no biases, and its last layer begins at zero.

    So a style of zeros draws each cluster's own colour, and until styles have learnt to explain anything all do.
    """

    def __init__(self, spec: LayeredDecoderNetwork, palette: nn.Parameter, style_dim: int, stride: int) -> None:
        super().__init__()
        widths = (style_dim, *(spec.width for _ in range(spec.depth)))
        self.rest = stride // 2**spec.doublings
        self.coarse = nn.Sequential(*(unbiased(*fan) for fan in pairwise(widths)))
        self.fine = nn.ModuleList(unbiased(spec.width, spec.width) for _ in range(spec.doublings))
        self.last = nn.Conv2d(spec.width, palette.numel(), 1, bias=False)
        self.palette, self.output = palette, output_layer(spec.output)
        nn.init.zeros_(self.last.weight)

    def preset(self) -> tuple[nn.Module, ...]:
        """The layer that begins at zero, which a recipe's `init` leaves alone."""
        return (self.last,)

    def forward(self, style: Float[Tensor, "b d y x"]) -> Float[Tensor, "b k c h w"]:
        """Every cluster's layer at the image's size."""
        maps = self.coarse(style)
        for refine in self.fine:
            maps = refine(functional.interpolate(maps, scale_factor=2.0, mode="nearest"))
        # The last layer is linear, so that it may come before the interpolation, on fewer places.
        drawn = self.last(maps)
        if self.rest > 1:
            drawn = functional.interpolate(drawn, scale_factor=float(self.rest), mode="bilinear", align_corners=False)
        layers: Tensor = self.output(drawn.unflatten(1, self.palette.shape) + self.palette[:, :, None, None])
        return layers


def unbiased(fan_in: int, fan_out: int) -> nn.Sequential:
    """A padded 3x3 convolution without a bias, and SiLU: zeros stay zeros."""
    weights = nn.Conv2d(fan_in, fan_out, KERNEL, padding=1, bias=False, padding_mode="replicate")
    return nn.Sequential(weights, nn.SiLU())
