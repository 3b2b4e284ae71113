"""Fully connected networks: ClusterGAN's and DLS's for vectors, DCCS's critic and discriminator (Tables 9 and 10)."""

from itertools import pairwise
from math import prod
from typing import final

from pydantic import PositiveInt
from torch import nn

from latentclust.api import Extractor, Shape
from latentclust.bundled.backbones.layers import LayeredSpec, StagedExtractor, output_layer


@final
class Mlp(LayeredSpec):
    """Linear layers with activations; images are flattened on the way in and unflattened on the way out.

    The mid-network features are the first hidden layer's activations. Without hidden layers an extractor is the
    identity and a decoder is linear.
    """

    hidden: tuple[PositiveInt, ...] = (256, 256)
    """Widths of the layers, in order."""

    def extractor(self, shape: Shape) -> Extractor:
        """The body for samples of any shape."""
        widths = (prod(shape), *self.hidden)
        layers = [self.linear(*fan) for fan in pairwise(widths)]
        stem = nn.Sequential(nn.Flatten(), *layers[:1])
        return StagedExtractor(stem, nn.Sequential(*layers[1:]), feature_width=widths[:2][-1], width=widths[-1])

    def decoder(self, width: int, shape: Shape) -> nn.Module:
        """A module from `(b, width)` to `(b, *shape)`."""
        widths = (width, *self.hidden)
        last = nn.Linear(widths[-1], prod(shape))
        layers = [self.linear(*fan) for fan in pairwise(widths)]
        return nn.Sequential(*layers, last, nn.Unflatten(1, shape), output_layer(self.output))
