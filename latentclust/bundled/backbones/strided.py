"""Convolutional networks of stride 2 as in DCGAN (Radford et al. 2016): those of ClusterGAN, DLS and DCCS."""

from itertools import pairwise
from math import prod
from typing import Literal, final

from pydantic import PositiveInt
from torch import nn

from latentclust.api import Extractor, Shape
from latentclust.bundled.backbones.layers import (
    KERNEL,
    Crop,
    LayeredSpec,
    NormName,
    StagedExtractor,
    Widths,
    image_shape,
    output_layer,
)

CONV32_PADDING = 1


@final
class Conv28(LayeredSpec):
    """Strided 4x4 convolutions and a dense layer, or their mirror image as a decoder, for images of any size.

    The network for MNIST of ClusterGAN (supplement 6.2), DLS and DCCS (Tables 6 and 12). The mid-network features are
    the flattened activations of the last convolution. A decoder starts from the image size divided by 2 for each
    convolution, rounded up, and crops.

    Example:
        ```toml
        [networks.encoder]
        use = "conv28"
        channels = [64, 128]
        dense = 1024
        norm = "batch"
        ```
    """

    channels: Widths = (64, 128)
    """Widths of the convolutions, that next to the image first."""

    dense: PositiveInt = 1024
    """Width of the dense layer."""

    padding: Literal[0, 1] = 1
    """Padding of the convolutions of an extractor: 1 in ClusterGAN, 0 in the authors' code of DCCS (3,200 features of
    28x28)."""

    def extractor(self, shape: Shape) -> Extractor:
        """Return the body for images `(c, h, w)`. Raise LatentclustError if they are too small."""
        count = len(self.channels)
        image_channels, *sides = image_shape("conv28", shape, least_side(count, self.padding))
        stem = nn.Sequential(*(self.conv(*fan, self.padding) for fan in pairwise((image_channels, *self.channels))))
        feature_width = self.channels[-1] * prod(side_after(side, count, self.padding) for side in sides)
        rest = nn.Sequential(nn.Flatten(), self.linear(feature_width, self.dense))
        return StagedExtractor(stem, rest, feature_width, self.dense)

    def decoder(self, width: int, shape: Shape) -> nn.Module:
        """Return a module from `(b, width)` to images `(b, c, h, w)`."""
        image_shape("conv28", shape)
        start_width = prod(start_grid(self.channels, shape))
        return nn.Sequential(
            self.linear(width, self.dense),
            self.linear(self.dense, start_width),
            upconvs(self, self.channels, shape),
        )


@final
class Conv32(LayeredSpec):
    """Padded 4x4 convolutions of stride 2, the first without normalisation, or their mirror image as a decoder.

    The network for COIL and CIFAR-10 of ClusterGAN (supplement 6.2), also used by DLS. Larger images get more
    convolutions than `channels` has, with the deepest width, so that the last map has 2 or 3 pixels on its shorter
    side: 4 for 16 to 63 pixels, 5 from 64, 6 from 128. The flattened last map is both the representation and the
    mid-network features.

    Example:
        ```toml
        [networks.encoder]
        use = "conv32"
        channels = [64, 128, 256, 512]
        ```
    """

    norm: NormName = "batch"
    """Normalisation after each layer: `batch` for batch normalisation."""

    channels: Widths = (64, 128, 256, 512)
    """Widths of the convolutions, that next to the image first."""

    decoder_channels: Widths = (64, 128, 256, 448)
    """Widths of the maps of a decoder, shallowest first. The deepest map is the start grid, 2x2 for 32x32 images."""

    def extractor(self, shape: Shape) -> Extractor:
        """Return the body for images `(c, h, w)`. Raise LatentclustError if the convolutions leave no pixel."""
        image_channels, *sides = image_shape("conv32", shape, least_side(len(self.channels), CONV32_PADDING))
        channels = _deepened(self.channels, min(sides))
        stem = nn.Sequential(
            self.conv(image_channels, channels[0], CONV32_PADDING, normalised=False),
            *(self.conv(*fan, CONV32_PADDING) for fan in pairwise(channels)),
        )
        feature_width = channels[-1] * prod(side_after(side, len(channels), CONV32_PADDING) for side in sides)
        return StagedExtractor(stem, nn.Flatten(), feature_width, feature_width)

    def decoder(self, width: int, shape: Shape) -> nn.Module:
        """Return a module from `(b, width)` to images `(b, c, h, w)`."""
        _, *sides = image_shape("conv32", shape)
        channels = _deepened(self.decoder_channels, min(sides))
        return nn.Sequential(self.linear(width, prod(start_grid(channels, shape))), upconvs(self, channels, shape))


def _deepened(channels: tuple[int, ...], side: int) -> tuple[int, ...]:
    """Return the widths for images with a shorter side of `side` pixels, which are halved to at most 3 pixels."""
    halvings_to_two = side.bit_length() - 2
    return channels + channels[-1:] * (halvings_to_two - len(channels))


def side_after(side: int, convs: int, padding: int) -> int:
    """Return the length in pixels of a side of `side` pixels after `convs` strided convolutions."""
    for _ in range(convs):
        side = (side + 2 * padding - KERNEL) // 2 + 1
    return side


def least_side(convs: int, padding: int) -> int:
    """Return the smallest side in pixels for which `convs` strided convolutions leave one pixel."""
    side = 1
    for _ in range(convs):
        side = 2 * (side - 1) + KERNEL - 2 * padding
    return side


def start_grid(channels: tuple[int, ...], shape: Shape) -> tuple[int, int, int]:
    """Return the shape of the first map of a decoder, which one doubling per width enlarges to at least the image."""
    _, height, width = shape
    stride = 2 ** len(channels)
    return channels[-1], -(-height // stride), -(-width // stride)


def upconvs(spec: LayeredSpec, channels: tuple[int, ...], shape: Shape) -> nn.Sequential:
    """Return the layers from the flat start grid to images. `channels` are the widths of the maps, shallowest first."""
    image_channels, height, width = shape
    return nn.Sequential(
        nn.Unflatten(1, start_grid(channels, shape)),
        *(spec.upconv(*fan) for fan in pairwise(reversed(channels))),
        nn.ConvTranspose2d(channels[0], image_channels, KERNEL, stride=2, padding=1),
        Crop(height, width),
        output_layer(spec.output),
    )
