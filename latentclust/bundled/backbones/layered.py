"""The generator of label maps: each cluster draws one layer of the image from a common style."""

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
    """Convolutions on the style grid, shared by all clusters, and a last layer with the channels of every cluster.

    Layers are interpolated between the cells of the grid. Without `doublings` a layer is a smooth field of colour, so
    that the label map must explain edges and texture. Each doubling lets the decoder draw finer detail.

    Example:
        ```toml
        [networks.generator]
        use = "layered-decoder"
        width = 32
        depth = 2
        ```
    """

    width: PositiveInt = 32
    """Channels of the shared convolutions."""

    depth: PositiveInt = 2
    """Number of convolutions on the style grid."""

    doublings: NonNegativeInt = 0
    """Number of times that a learned convolution doubles the resolution of the grid. The rest of the style stride is
    interpolated."""

    spread: NonNegativeFloat = 0.5
    """Standard deviation of the initial colours of the clusters, before the output function."""

    output: OutputName = "sigmoid"
    """Output function. Images lie in [0, 1], so `tanh` is rescaled to that range."""

    def layered_decoder(self, clusters: int, style_dim: int, stride: int, shape: Shape) -> LayeredDecoder:
        """Return the body for images `(c, h, w)`. Raise LatentclustError if the stride does not fit them."""
        channels, height, width = image_shape("layered-decoder", shape)
        if stride % 2**self.doublings:
            what = f"cannot apply {self.doublings} doublings to style cells of {stride}x{stride} pixels"
            raise LatentclustError.at("layered-decoder.doublings", what, f"Use at most {int(log2(stride & -stride))}")
        if height % stride or width % stride:
            what = f"images of {height}x{width} pixels do not divide into style cells of {stride}x{stride} pixels"
            raise LatentclustError.at("prior.style_stride", what, "Use a divisor of both sides")
        palette = nn.Parameter(self.spread * torch.randn(clusters, channels))
        return Layers(self, palette, style_dim, stride) if style_dim else ColourHead(palette, stride, self.output)


@final
class ColourHead(LayeredDecoder):
    """A decoder without a style: each layer has a single colour."""

    def __init__(self, palette: nn.Parameter, stride: int, output: OutputName) -> None:
        super().__init__()
        self.palette, self.stride, self.output = palette, stride, output_layer(output)

    def forward(self, style: Float[Tensor, "b 0 y x"]) -> Float[Tensor, "b k c h w"]:
        """Return the colour of each cluster at the size of the image."""
        sides = [side * self.stride for side in style.shape[2:]]
        colours: Tensor = self.output(self.palette)
        return colours[:, :, None, None].expand(len(style), -1, -1, *sides)


@final
class Layers(LayeredDecoder):
    """A decoder with a style, without biases and with a last layer that is initially zero.

    Hence a style of zeros yields the colour of each cluster, and before training every style does.
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
        """Return the layer that is initially zero, which the `init` of a recipe must not change."""
        return (self.last,)

    def forward(self, style: Float[Tensor, "b d y x"]) -> Float[Tensor, "b k c h w"]:
        """Return the layer of each cluster at the size of the image."""
        # The last layer is linear and therefore commutes with the interpolation; it is cheaper on the coarse grid.
        drawn = self.last(self._maps(style))
        if self.rest > 1:
            drawn = functional.interpolate(drawn, scale_factor=float(self.rest), mode="bilinear", align_corners=False)
        layers: Tensor = self.output(self._coloured(drawn))
        return layers

    def nodes(self, style: Float[Tensor, "b d y x"]) -> Float[Tensor, "b k c r s"] | None:
        """Return the values that a linear output interpolates. None for other outputs and without interpolation."""
        if self.rest == 1 or not isinstance(self.output, nn.Identity):
            return None
        return self._coloured(self.last(self._maps(style)))

    def _maps(self, style: Float[Tensor, "b d y x"]) -> Float[Tensor, "b f r s"]:
        """Return the features of the last layer on the finest grid that is not interpolated."""
        maps: Tensor = self.coarse(style)
        for refine in self.fine:
            maps = refine(functional.interpolate(maps, scale_factor=2.0, mode="nearest"))
        return maps

    def _coloured(self, drawn: Float[Tensor, "b f h w"]) -> Float[Tensor, "b k c h w"]:
        """Return drawn deviations of all clusters as layers: those of each cluster added to its colour."""
        return drawn.reshape(len(drawn), *self.palette.shape, *drawn.shape[2:]) + self.palette[:, :, None, None]


def unbiased(fan_in: int, fan_out: int) -> nn.Sequential:
    """Return a padded 3x3 convolution without a bias and SiLU. Zeros stay zeros."""
    weights = nn.Conv2d(fan_in, fan_out, KERNEL, padding=1, bias=False, padding_mode="replicate")
    return nn.Sequential(weights, nn.SiLU())
