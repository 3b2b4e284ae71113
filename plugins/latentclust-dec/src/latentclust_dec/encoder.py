"""DEC's encoder: fully connected layers, a linear embedding, and centroids in it (Xie et al. 2016, section 4.3)."""

from itertools import pairwise
from math import prod
from typing import Annotated, final

import torch
from latentclust.api import EncoderHeadSpec, Extractor, Shape
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn

from latentclust_dec.assignment import log_kernel


@final
class StudentT(EncoderHeadSpec):
    """Linear layers with ReLU, for an encoder whose style is an embedding and whose logits compare it with centroids.

    The style comes from a linear layer. The cluster probabilities are Student's t about each centroid, DEC's Eq. 1.
    """

    hidden: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (500, 500, 2000)
    """Widths between the images and the embedding."""

    alpha: PositiveFloat = 1.0
    """Degrees of freedom of Student's t."""

    def extractor(self, shape: Shape) -> Extractor:
        """The layers for samples of any shape, which are flattened."""
        return Layers(prod(shape), self.hidden)

    def head(self, width: int, clusters: int, style_dim: int) -> nn.Module:
        """The embedding and its centroids."""
        return StudentTHead(width, clusters, style_dim, self.alpha)


@final
class Layers(Extractor):
    """Linear layers, each with a ReLU; the mid-network features are those after the first."""

    def __init__(self, values: int, hidden: tuple[int, ...]) -> None:
        """From `values` a sample, by way of the widths of `hidden`."""
        super().__init__()
        layers = [nn.Sequential(nn.Linear(*fan), nn.ReLU()) for fan in pairwise((values, *hidden))]
        self.first, self.rest = layers[0], nn.Sequential(*layers[1:])
        self.feature_width, self.width = hidden[0], hidden[-1]

    def forward(self, sample: Tensor) -> tuple[Tensor, Tensor]:
        """`(b, *shape)` to `(b, width)` and `(b, feature_width)`."""
        features = self.first(sample.flatten(1))
        return self.rest(features), features


@final
class StudentTHead(nn.Module):
    """A representation to log Student's t kernels about centroids, and the embedding itself; float32.

    Attributes:
        centroids: `(k, d)`; drawn from N(0, 1) until a stage begins with `kmeans-centroids`.
    """

    def __init__(self, width: int, clusters: int, style_dim: int, alpha: float) -> None:
        """An embedding of `style_dim` values, and as many centroids as clusters."""
        super().__init__()
        self.embed = nn.Linear(width, style_dim)
        self.centroids = nn.Parameter(torch.randn(clusters, style_dim))
        self.alpha = alpha

    def forward(self, representation: Tensor) -> Tensor:
        """`(b, width)` to `(b, clusters + style_dim)`."""
        embedded = self.embed(representation).float()
        return torch.cat((log_kernel(embedded, self.centroids.float(), self.alpha), embedded), dim=1)
