"""ClusterGAN's network for COIL and CIFAR-10 (supplement 6.2), which DLS shares."""

from itertools import pairwise
from math import prod
from typing import final

from torch import nn

from latentclust.api import Extractor, Shape
from latentclust.bundled.backbones.layers import LayeredSpec, NormName, StagedExtractor, Widths, image_shape
from latentclust.bundled.backbones.strided import least_side, side_after, start_grid, upconvs

PART = "conv32"
PADDING = 1


@final
class Conv32(LayeredSpec):
    """Padded 4x4 convolutions of stride 2, of which the first is not normalised, or their mirror image.

    There are as many as `channels` says, four as published, and one more each time that the shorter side of the image
    reaches twice as many pixels as leave a map of 2x2: 4 from 16 to 63 pixels, 5 from 64, 6 from 128. What is added
    has the deepest width. The representation is the flattened last map, and so are the mid-network features.
    """

    norm: NormName = "batch"

    channels: Widths = (64, 128, 256, 512)
    """Widths of the convolutions, the image's own side first."""

    decoder_channels: Widths = (64, 128, 256, 448)
    """Widths of a decoder's maps, shallowest first; the deepest is its start grid, 2x2 for 32x32 images."""

    def extractor(self, shape: Shape) -> Extractor:
        """The body for images `(c, h, w)`; raises LatentclustError where the convolutions leave no pixel."""
        image_channels, *sides = image_shape(PART, shape, least_side(len(self.channels), PADDING))
        channels = _deepened(self.channels, min(sides))
        stem = nn.Sequential(
            self.conv(image_channels, channels[0], PADDING, normalised=False),
            *(self.conv(*fan, PADDING) for fan in pairwise(channels)),
        )
        feature_width = channels[-1] * prod(side_after(side, len(channels), PADDING) for side in sides)
        return StagedExtractor(stem, nn.Flatten(), feature_width, feature_width)

    def decoder(self, width: int, shape: Shape) -> nn.Module:
        """A module from `(b, width)` to images `(b, c, h, w)`."""
        _, *sides = image_shape(PART, shape)
        channels = _deepened(self.decoder_channels, min(sides))
        return nn.Sequential(self.linear(width, prod(start_grid(channels, shape))), upconvs(self, channels, shape))


def _deepened(channels: tuple[int, ...], side: int) -> tuple[int, ...]:
    """The widths for images with a shorter side of `side` pixels, which are halved to 2 or 3 pixels at most."""
    halvings_to_two = side.bit_length() - 2
    return channels + channels[-1:] * (halvings_to_two - len(channels))
