"""A sample table of nearest neighbours, by the images or by a network's representation of them."""

from collections.abc import Iterable
from typing import ClassVar, Literal, final

import torch
from jaxtyping import Float, Int64
from pydantic import PositiveInt
from torch import Tensor
from torch.nn import functional

from latentclust.api import Images, LatentclustError, Model, TableSpec

BLOCK = 1024
"""Number of samples that are compared with all others at once."""

FITTED = 10_000
"""Largest number of samples to which principal components are fitted, evenly spread."""


@final
class NearestNeighbours(TableSpec):
    """Indices of the nearest other samples by Euclidean distance or cosine similarity, nearest first.

    The time grows with the square of the number of samples: seconds for 10,000 images, minutes for 70,000.

    Example:
        ```toml
        [tables.neighbour]
        use = "nearest-neighbours"
        count = 5

        [losses.neighbours]
        use = "invariant-information"
        player = "generator"
        on = { heads_of_real = "clusters_of_real", heads_of_view = "clusters_of_neighbour" }
        ```
    """

    of_samples: ClassVar[bool] = True

    count: PositiveInt = 5
    """Number of neighbours per sample."""

    network: str | None = None
    """Encoder, critic, trunk or heads whose representations are compared. None for the images themselves."""

    metric: Literal["euclidean", "cosine"] = "euclidean"
    """Distance of two representations: Euclidean, or that of their angle."""

    pca: PositiveInt | None = None
    """Number of principal components that are compared, if there are more values than that. None: all values. 256
    components of 1,280 values of a pretrained network take a fifth of the time."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Name of the network, if any."""
        return () if self.network is None else (self.network,)

    @property
    def represents(self) -> tuple[str, ...]:
        """Name of the network, if any."""
        return self.needs

    def compute(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Int64[Tensor, "n m"]:
        """Return indices `(n, count)`, counted from 0.

        Raises:
            LatentclustError: If there are too few samples, or the network has no representation.
        """
        points = torch.cat([self._points(model, images) for images in batches])
        if len(points) <= self.count:
            what = f"cannot find {self.count} neighbours among {len(points)} samples"
            raise LatentclustError.at("nearest-neighbours.count", what, f"Use at most {len(points) - 1}")
        if self.pca is not None and self.pca < min(points.shape):
            points = principal_components(points, self.pca)
        return nearest(functional.normalize(points, dim=1) if self.metric == "cosine" else points, self.count)

    def _points(self, model: Model, images: Images) -> Float[Tensor, "b d"]:
        if self.network is None:
            return images.float().flatten(1)
        return model.represent(self.network, images).flatten(1)


def principal_components(points: Float[Tensor, "n d"], count: int) -> Float[Tensor, "n c"]:
    """Return the first components of centred points."""
    from sklearn.decomposition import PCA

    sample = points[:: -(-len(points) // FITTED)].cpu().numpy()
    fitted = PCA(min(count, len(sample)), svd_solver="randomized", random_state=0).fit(sample)
    mean, axes = (torch.from_numpy(value).to(points) for value in (fitted.mean_, fitted.components_))
    return (points - mean) @ axes.T


def nearest(points: Float[Tensor, "n d"], count: int) -> Int64[Tensor, "n m"]:
    """Return for each point the `count` others at the least Euclidean distance, nearest first."""
    norms = points.square().sum(dim=1)
    found = []
    for start in range(0, len(points), BLOCK):
        block = points[start : start + BLOCK]
        # |a - b|^2 without |a|^2, which is the same for all candidates.
        distances = norms - 2 * block @ points.T
        rows = torch.arange(len(block), device=points.device)
        distances[rows, rows + start] = torch.inf
        found.append(distances.topk(count, largest=False).indices)
    return torch.cat(found)
