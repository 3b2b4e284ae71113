"""Centroids: one point per cluster, compared with features or codes by distance or by angle."""

from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from latentclust.api import CentroidsSpec

Similarity = Literal["euclidean", "cosine"]


@final
class Centroids(CentroidsSpec):
    """One point per cluster in the space of features, or of codes with `reads = "latent"`.

    The points are drawn from N(0, 1). A stage that begins with `kmeans` sets them to the centroids of all samples.

    Example:
        ```toml
        [networks.centroids]
        use = "centroids"
        similarity = "cosine"
        frozen = true
        ```
    """

    similarity: Similarity = "euclidean"
    """How a sample is compared with a point: minus the squared distance, or the cosine of the angle in [-1, 1]."""

    def centroids(self, clusters: int, width: int) -> nn.Module:
        """Create points `(clusters, width)`."""
        return Points(clusters, width, self.similarity)


@final
class Points(nn.Module):
    """Similarities of vectors, or of the positions of a map, with points.

    Attributes:
        points: Points `(k, width)`.
        similarity: How they are compared.
    """

    def __init__(self, clusters: int, width: int, similarity: Similarity) -> None:
        super().__init__()
        self.points = nn.Parameter(torch.randn(clusters, width))
        self.similarity = similarity

    def forward(self, features: Float[Tensor, "b c *s"]) -> Float[Tensor, "b k *s"]:
        """Return the similarities. By angle, those of a vector of zeros are 0."""
        vectors, points = features.float().movedim(1, -1), self.points.float()
        if self.similarity == "cosine":
            found = functional.normalize(vectors, dim=-1) @ functional.normalize(points, dim=1).T
        else:
            found = 2 * vectors @ points.T - points.square().sum(dim=1) - vectors.square().sum(dim=-1, keepdim=True)
        return found.movedim(-1, 1)
