"""The cluster probe of STEGO: minibatch k-means by cosine distance (Hamilton et al., ICLR 2022, section 3.3)."""

from typing import final

import torch
from jaxtyping import Float
from latentclust.api import CentroidsSpec, LossSpec, Scalar, Similarities
from torch import Tensor, nn
from torch.nn import functional


@final
class CosineCentroids(CentroidsSpec):
    """One direction per cluster, compared by cosine similarity and initialized uniformly (Hamilton et al. 2022)."""

    def centroids(self, clusters: int, width: int) -> nn.Module:
        """Create directions `(clusters, width)`."""
        return Directions(clusters, width)


@final
class Directions(nn.Module):
    """Cosine similarities of vectors or of the positions of a map with several directions."""

    def __init__(self, clusters: int, width: int) -> None:
        super().__init__()
        self.centroids = nn.Parameter(torch.randn(clusters, width))

    def forward(self, features: Float[Tensor, "b c *s"]) -> Float[Tensor, "b k *s"]:
        """Return similarities in [-1, 1]. A zero feature has similarity 0."""
        centroids = functional.normalize(self.centroids, dim=1)
        return torch.einsum("kc,bc...->bk...", centroids, functional.normalize(features, dim=1))


@final
class CosineKMeans(LossSpec):
    """Mean cosine distance to the nearest centroid, in [0, 2].

    Descending it is minibatch k-means (Hamilton et al. 2022, section 3.3): each place moves its nearest centroid alone.
    """

    def __call__(self, similarities: Similarities) -> Scalar:
        """Compute the term from similarities `(b, k, *s)`."""
        return Scalar(1 - similarities.float().amax(dim=1).mean())
