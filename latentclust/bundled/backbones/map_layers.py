"""Backbones of label maps: 3x3 convolutions, a U-Net, and layers of single pixels."""

from itertools import pairwise
from math import prod
from typing import Annotated, final

import torch
from jaxtyping import Float
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn
from torch.nn import functional

from latentclust.api import LatentclustError, MapExtractor, MapExtractorSpec, Shape
from latentclust.bundled.backbones.layers import NormName, Widths, batch_norm, image_shape

KERNEL = 3


@final
class StackedMapExtractor(MapExtractor):
    """A map extractor of consecutive layers."""

    def __init__(self, layers: nn.Module, width: int, stride: int) -> None:
        """Wrap `layers`, from `(b, c, h, w)` to `(b, width, h / stride, w / stride)`."""
        super().__init__()
        self.layers = layers
        self.width, self.stride = width, stride

    def forward(self, sample: Float[Tensor, "b c h w"]) -> Float[Tensor, "b width y x"]:
        """Return the map of representations."""
        maps: Tensor = self.layers(sample)
        return maps


@final
class MapConv(MapExtractorSpec):
    """Padded 3x3 convolutions with ReLU, optionally strided or dilated. The receptive field is bounded.

    Padding repeats the border pixels, so that the output carries no trace of where the image ends.

    Example:
        ```toml
        [networks.trunk]
        use = "map-conv"
        channels = [64, 128, 256]
        strides = [2, 2, 1]
        dilations = [1, 1, 2]
        ```
    """

    norm: NormName = "batch"
    """Normalisation after each convolution: `batch` for batch normalisation."""

    channels: Widths = (32, 64, 64)
    """Widths of the convolutions, in order."""

    strides: Widths = (2, 1, 1)
    """Strides of the convolutions. Their product is the stride of the map."""

    dilations: Widths = (1, 1, 1)
    """Dilations of the convolutions; 2 reads every other pixel."""

    @model_validator(mode="after")
    def _as_many(self) -> "MapConv":
        if not len(self.channels) == len(self.strides) == len(self.dilations):
            raise ValueError("channels, strides and dilations must be of one length")
        return self

    def map_extractor(self, shape: Shape) -> MapExtractor:
        """Return the body for images or maps `(c, h, w)`."""
        fan_in, *_ = image_shape("map-conv", shape)
        widths = (fan_in, *self.channels)
        layers = [
            conv(*fan, self.norm, stride, dilation)
            for fan, stride, dilation in zip(pairwise(widths), self.strides, self.dilations, strict=True)
        ]
        return StackedMapExtractor(nn.Sequential(*layers), widths[-1], prod(self.strides))


@final
class PixelMlp(MapExtractorSpec):
    """Layers with ReLU that read each pixel of a map separately. Without hidden layers it is the identity.

    Example:
        ```toml
        [networks.heads]
        use = "pixel-mlp"
        reads = "features"
        hidden = [256]
        ```
    """

    norm: NormName = "none"
    """Normalisation after each layer: `batch` for batch normalisation."""

    hidden: tuple[PositiveInt, ...] = ()
    """Widths of the layers, in order."""

    def map_extractor(self, shape: Shape) -> MapExtractor:
        """Return the body for images or maps `(c, h, w)`."""
        fan_in, *_ = image_shape("pixel-mlp", shape)
        widths = (fan_in, *self.hidden)
        layers = [
            nn.Sequential(nn.Conv2d(*fan, 1, bias=self.norm == "none"), batch_norm(self.norm, fan[1], 2), nn.ReLU())
            for fan in pairwise(widths)
        ]
        return StackedMapExtractor(nn.Sequential(*layers), widths[-1], 1)


@final
class UNet(MapExtractorSpec):
    """A U-Net (Ronneberger et al. 2015) with two convolutions per level, max pooling and bilinear upsampling.

    Example:
        ```toml
        [networks.trunk]
        use = "unet"
        channels = [32, 64, 128]
        ```
    """

    norm: NormName = "batch"
    """Normalisation after each convolution: `batch` for batch normalisation."""

    channels: Annotated[tuple[PositiveInt, ...], Field(min_length=2)] = (32, 64, 128)
    """Widths of the levels, finest first. The first is the width of the map."""

    def map_extractor(self, shape: Shape) -> MapExtractor:
        """Return the body for images `(c, h, w)`. Raise LatentclustError if they cannot be halved for every level."""
        deepest = 2 ** (len(self.channels) - 1)
        fan_in, height, width = image_shape("unet", shape, least=deepest)
        if height % deepest or width % deepest:
            what = f"images of {height}x{width} pixels cannot be halved {len(self.channels) - 1} times"
            raise LatentclustError.at("unet.channels", what, f"Use sides that are multiples of {deepest}")
        return UNetMapExtractor(fan_in, self.channels, self.norm)


@final
class UNetMapExtractor(MapExtractor):
    """A U-Net whose map has the resolution of the image."""

    def __init__(self, fan_in: int, channels: tuple[int, ...], norm: NormName) -> None:
        super().__init__()
        self.width, self.stride = channels[0], 1
        self.down = nn.ModuleList(_twice(*fan, norm) for fan in pairwise((fan_in, *channels)))
        self.up = nn.ModuleList(_twice(deep + skip, skip, norm) for skip, deep in pairwise(channels))

    def forward(self, sample: Float[Tensor, "b c h w"]) -> Float[Tensor, "b width h w"]:
        """Return the map of representations. Sides are padded to a multiple of the deepest stride and cropped again."""
        height, width = sample.shape[2:]
        deepest = 2 ** len(self.up)
        maps = functional.pad(sample, (0, -width % deepest, 0, -height % deepest), mode="replicate")
        skips: list[Tensor] = []
        for level, block in enumerate(self.down):
            maps = block(functional.max_pool2d(maps, 2) if level else maps)
            skips.append(maps)
        maps = skips.pop()
        for block in reversed(self.up):
            finer = functional.interpolate(maps, scale_factor=2.0, mode="bilinear", align_corners=False)
            maps = block(torch.cat((finer, skips.pop()), dim=1))
        return maps[..., :height, :width]


def conv(fan_in: int, fan_out: int, norm: NormName, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Return a padded 3x3 convolution with normalisation and ReLU."""
    weights = nn.Conv2d(
        fan_in, fan_out, KERNEL, stride, dilation, dilation, bias=norm == "none", padding_mode="replicate"
    )
    return nn.Sequential(weights, batch_norm(norm, fan_out, 2), nn.ReLU())


def _twice(fan_in: int, fan_out: int, norm: NormName) -> nn.Sequential:
    return nn.Sequential(conv(fan_in, fan_out, norm), conv(fan_out, fan_out, norm))
