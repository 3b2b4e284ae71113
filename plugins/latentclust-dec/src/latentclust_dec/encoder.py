"""The encoder of DEC: fully connected layers, a linear embedding and its centroids (Xie et al. 2016, section 4.3)."""

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
    """Linear layers with ReLU for an encoder with an embedding as style, whose logits compare it with centroids.

    The style comes from a linear layer. The cluster probabilities are Student's t around the centroids, Eq. 1 of DEC.
    """

    hidden: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (500, 500, 2000)
    """Widths of the layers between the samples and the embedding."""

    alpha: PositiveFloat = 1.0
    """Degrees of freedom of Student's t-distribution."""

    def extractor(self, shape: Shape) -> Extractor:
        """Create the layers for samples of any shape, which are flattened."""
        return Layers(prod(shape), self.hidden)

    def head(self, width: int, clusters: int, style_dim: int) -> nn.Module:
        """Create the embedding and its centroids."""
        return StudentTHead(width, clusters, style_dim, self.alpha)


@final
class Layers(Extractor):
    """Linear layers, each with a ReLU. The mid-network features are the output of the first layer."""

    def __init__(self, values: int, hidden: tuple[int, ...]) -> None:
        """Create layers from `values` values per sample to the widths of `hidden`."""
        super().__init__()
        layers = [nn.Sequential(nn.Linear(*fan), nn.ReLU()) for fan in pairwise((values, *hidden))]
        self.first, self.rest = layers[0], nn.Sequential(*layers[1:])
        self.feature_width, self.width = hidden[0], hidden[-1]

    def forward(self, sample: Tensor) -> tuple[Tensor, Tensor]:
        """Map `(b, *shape)` to `(b, width)` and `(b, feature_width)`."""
        features = self.first(sample.flatten(1))
        return self.rest(features), features


@final
class StudentTHead(nn.Module):
    """A head that returns the log of Student's t kernels around the centroids and the embedding, in float32.

    Attributes:
        centroids: Centroids `(k, d)`, drawn from N(0, 1) until a stage begins with `kmeans-centroids`.
    """

    def __init__(self, width: int, clusters: int, style_dim: int, alpha: float) -> None:
        """Create an embedding of `style_dim` values and one centroid per cluster."""
        super().__init__()
        self.embed = nn.Linear(width, style_dim)
        self.centroids = nn.Parameter(torch.randn(clusters, style_dim))
        self.alpha = alpha

    def forward(self, representation: Tensor) -> Tensor:
        """Map `(b, width)` to `(b, clusters + style_dim)`."""
        embedded = self.embed(representation).float()
        return torch.cat((log_kernel(embedded, self.centroids.float(), self.alpha), embedded), dim=1)
