"""The MNIST network of ClusterGAN (supplement 6.2), DLS and DCCS (Tables 6 and 12)."""

from itertools import pairwise
from math import prod
from typing import Literal, final

from pydantic import PositiveInt
from torch import nn

from latentclust.api import Extractor, Shape
from latentclust.bundled.backbones.layers import LayeredSpec, StagedExtractor, Widths, image_shape
from latentclust.bundled.backbones.strided import least_side, side_after, start_grid, upconvs

PART = "conv28"


@final
class Conv28(LayeredSpec):
    """Strided 4x4 convolutions and a dense layer, or their mirror image; for images of any size and channel count.

    The mid-network features are the flattened activations of the last convolution. A decoder starts from the image's
    size divided by 2 to the number of convolutions, rounded up, and crops.
    """

    channels: Widths = (64, 128)
    """Widths of the convolutions, the image's own side first."""

    dense: PositiveInt = 1024
    """Width of the dense layer."""

    padding: Literal[0, 1] = 1
    """Of an extractor's convolutions: 1 in ClusterGAN, 0 in the authors' code of DCCS (3,200 features of 28x28)."""

    def extractor(self, shape: Shape) -> Extractor:
        """The body for images `(c, h, w)`; raises LatentclustError where they are too small for the convolutions."""
        count = len(self.channels)
        image_channels, *sides = image_shape(PART, shape, least_side(count, self.padding))
        stem = nn.Sequential(*(self.conv(*fan, self.padding) for fan in pairwise((image_channels, *self.channels))))
        feature_width = self.channels[-1] * prod(side_after(side, count, self.padding) for side in sides)
        rest = nn.Sequential(nn.Flatten(), self.linear(feature_width, self.dense))
        return StagedExtractor(stem, rest, feature_width, self.dense)

    def decoder(self, width: int, shape: Shape) -> nn.Module:
        """A module from `(b, width)` to images `(b, c, h, w)`."""
        image_shape(PART, shape)
        start_width = prod(start_grid(self.channels, shape))
        return nn.Sequential(
            self.linear(width, self.dense),
            self.linear(self.dense, start_width),
            upconvs(self, self.channels, shape),
        )
