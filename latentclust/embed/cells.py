"""Cells of points around centroids, by which nearest neighbours are searched among few points: an inverted file.

Jégou, Douze and Schmid 2011, "Product quantization for nearest neighbor search", section IV, without the compression.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy.typing import NDArray
from torch import Tensor

from latentclust.embed.row_file import RowFile

EXACT = 20_000
"""Largest number of points that are all compared with one another."""

PER_CENTROID = 40
"""Number of points per centroid that k-means is fitted to."""

QUERIES = 500
"""Number of points whose exact neighbours are computed, to choose the number of cells and to measure the recall."""

RECALL = 0.95
"""Share of the exact neighbours of these points that the searched cells must contain, if `MOST_CELLS` suffice."""

MOST_CELLS = 64
"""Largest number of cells that are searched for the points of one cell."""

MOST_CANDIDATES = 2**17
"""Largest number of points that a point is compared with. More are thinned evenly."""

BLOCK = 2**24
"""Largest number of distances that are computed at once."""

SPARE = 4
"""Number of further candidates whose distances are computed again without the rounding of the search."""

Space = Callable[[NDArray[np.float32]], Float32[np.ndarray, "n d"]]
"""A function from rows of a file to the points that are compared."""


@dataclass(frozen=True, slots=True)
class Points:
    """Points in a file.

    Attributes:
        file: The rows.
        space: Function from rows to points.
    """

    file: RowFile
    space: Space

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.file)

    def at(self, indices: NDArray[np.int64]) -> Float[Tensor, "n d"]:
        """Return points of any indices."""
        return torch.from_numpy(self.space(self.file.rows(indices)))

    def blocks(self, size: int) -> Iterator[tuple[int, Float[Tensor, "_ d"]]]:
        """Yield all points in order, with the index of the first one of each block."""
        for start in range(0, len(self), size):
            yield start, torch.from_numpy(self.space(self.file.part(start, min(start + size, len(self)))))


@dataclass(frozen=True, slots=True)
class Cells:
    """A partition of points by their nearest centroid.

    Attributes:
        order: Indices of the points, cell by cell.
        starts: Position of the first point of each cell in `order`, and the number of points.
        near: Cells by their distance, for each cell; itself first.
        searched: Number of cells that are searched.
    """

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    near: NDArray[np.int64]
    searched: int

    def members(self, cell: int) -> NDArray[np.int64]:
        """Return the indices of the points of a cell."""
        return self.order[self.starts[cell] : self.starts[cell + 1]]

    def candidates(self, cell: int) -> NDArray[np.int64]:
        """Return the indices of the points that those of a cell are compared with, ascending."""
        found = np.sort(np.concatenate([self.members(int(each)) for each in self.near[cell, : self.searched]]))
        return found[:: -(-len(found) // MOST_CANDIDATES)]


def make_cells(points: Points, exact: NDArray[np.int64], queries: NDArray[np.int64]) -> Cells:
    """Partition points into about as many cells as each has points.

    Args:
        points: The points.
        exact: Indices of the exact neighbours of some points, `(q, m)`.
        queries: Indices of these points.
    """
    if len(points) <= EXACT:
        return Cells(np.arange(len(points)), np.array([0, len(points)]), np.zeros((1, 1), np.int64), 1)
    centroids = _centroids(points)
    cell = np.concatenate([_nearest_centroid(part, centroids) for _, part in points.blocks(BLOCK // len(centroids))])
    order = np.argsort(cell, kind="stable")
    starts = np.searchsorted(cell[order], np.arange(len(centroids) + 1))
    near = torch.cdist(centroids, centroids).fill_diagonal_(-1.0).argsort(dim=1, stable=True).numpy()
    rank = near.argsort(axis=1)
    needed = np.sort(rank[cell[queries][:, None], cell[exact]].ravel())
    searched = int(needed[min(int(np.ceil(RECALL * len(needed))), len(needed)) - 1]) + 1
    return Cells(order, starts, near, min(searched, MOST_CELLS))


def _centroids(points: Points) -> Float[Tensor, "c d"]:
    from sklearn.cluster import MiniBatchKMeans

    count = round(len(points) ** 0.5)
    sample = np.linspace(0, len(points) - 1, min(len(points), PER_CENTROID * count)).astype(np.int64)
    distinct = np.unique(points.at(sample).numpy(), axis=0)
    fitted = MiniBatchKMeans(min(count, len(distinct)), batch_size=4096, n_init=1, max_iter=10, random_state=0)
    return torch.from_numpy(fitted.fit(distinct).cluster_centers_.astype(np.float32))


def _nearest_centroid(points: Float[Tensor, "n d"], centroids: Float[Tensor, "c d"]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = _squared(points, centroids).argmin(dim=1).numpy()
    return found


def nearest_of(
    queries: Float[Tensor, "q d"], candidates: Float[Tensor, "n d"], count: int
) -> tuple[Float[Tensor, "q m"], NDArray[np.int64]]:
    """Return the distances of the nearest candidates of each point, ascending, and their positions.

    The search subtracts large squares from one another; the distances of what it finds are computed again exactly.
    """
    wanted = min(count, len(candidates))
    spare = min(count + SPARE, len(candidates))
    step = max(1, BLOCK // len(candidates))
    parts = (queries[first : first + step] for first in range(0, len(queries), step))
    at = torch.cat([_squared(part, candidates).topk(spare, dim=1, largest=False).indices for part in parts])
    rows = max(1, BLOCK // (spare * queries.shape[1]))
    exact = torch.cat(
        [
            (candidates[at[first : first + rows]] - queries[first : first + rows, None]).square().sum(dim=2).sqrt()
            for first in range(0, len(queries), rows)
        ]
    )
    distances, order = exact.sort(dim=1, stable=True)
    return distances[:, :wanted], at.gather(1, order)[:, :wanted].numpy()


def _squared(one: Float[Tensor, "a d"], other: Float[Tensor, "b d"]) -> Float[Tensor, "a b"]:
    """Return squared distances without the square of the first points, which no comparison needs."""
    return torch.addmm(other.square().sum(dim=1), one, other.T, alpha=-2.0)
