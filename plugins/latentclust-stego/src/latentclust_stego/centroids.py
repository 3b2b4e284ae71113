"""The cluster probe of STEGO: minibatch k-means by cosine distance (Hamilton et al., ICLR 2022, section 3.3)."""

from typing import final

import torch
from jaxtyping import Float
from latentclust.api import CentroidsSpec, LossSpec, Scalar, Similarities
from torch import Tensor, nn
from torch.nn import functional


@final
class CosineCentroids(CentroidsSpec):
    """A direction for each cluster, compared by cosine; drawn uniformly at first (Hamilton et al. 2022)."""

    def centroids(self, clusters: int, width: int) -> nn.Module:
        """Directions `(clusters, width)`."""
        return Directions(clusters, width)


@final
class Directions(nn.Module):
    """Cosine similarities of the places of a map, or of vectors, with each of several directions."""

    def __init__(self, clusters: int, width: int) -> None:
        super().__init__()
        self.centroids = nn.Parameter(torch.randn(clusters, width))

    def forward(self, features: Float[Tensor, "b c *s"]) -> Float[Tensor, "b k *s"]:
        """Similarities in [-1, 1]; 0 for a feature that is zero."""
        centroids = functional.normalize(self.centroids, dim=1)
        return torch.einsum("kc,bc...->bk...", centroids, functional.normalize(features, dim=1))


@final
class CosineKMeans(LossSpec):
    """Mean cosine distance to the nearest centroid, in [0, 2].

    Descending it is minibatch k-means (Hamilton et al. 2022, section 3.3): each place moves its nearest centroid alone.
    """

    def __call__(self, similarities: Similarities) -> Scalar:
        """The term over similarities `(b, k, *s)`."""
        return Scalar(1 - similarities.float().amax(dim=1).mean())
