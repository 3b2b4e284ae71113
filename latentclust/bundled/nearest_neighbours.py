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
        return nearest(functional.normalize(points, dim=1) if self.metric == "cosine" else points, self.count)

    def _points(self, model: Model, images: Images) -> Float[Tensor, "b d"]:
        if self.network is None:
            return images.float().flatten(1)
        return model.represent(self.network, images).flatten(1)


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
