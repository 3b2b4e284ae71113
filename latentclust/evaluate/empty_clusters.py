"""Empty and near-empty clusters, found without labels, and how probable each cluster is over the samples."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

NEAR_EMPTY_SHARE = 0.1
"""A cluster is near-empty if it has samples, but fewer than this fraction of the mean size n/K.

If classes are equally large, such a cluster has less than a tenth of any class: it stands for none. The sizes of good
clusters differ by far less. If a class really is this rare, its cluster is near-empty and nothing is wrong.
"""


@dataclass(frozen=True, slots=True)
class EmptyClusters:
    """The empty and the near-empty clusters of a clustering.

    Attributes:
        empty: Clusters without a sample, 0-based.
        near_empty: Clusters with fewer samples than `NEAR_EMPTY_SHARE` of the mean size, but not none; 0-based.
    """

    empty: tuple[int, ...]
    near_empty: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ClusterPosteriors:
    """The posterior of each cluster over all samples or pixels.

    Attributes:
        largest: Largest probability of the cluster on any sample, `(k,)`; near 0 if the model never considers it.
        mean: Mean probability of the cluster over the samples, `(k,)`, the share that it has in expectation.
    """

    largest: NDArray[np.float64]
    mean: NDArray[np.float64]


def find_empty(occupancy: NDArray[np.integer]) -> EmptyClusters:
    """Return the empty and near-empty clusters of sizes `(k,)`. Without any sample, no cluster is either."""
    mean = occupancy.sum() / len(occupancy)
    empty = (occupancy == 0) & (mean > 0)
    near = (occupancy > 0) & (occupancy < NEAR_EMPTY_SHARE * mean)
    return EmptyClusters(tuple(np.flatnonzero(empty).tolist()), tuple(np.flatnonzero(near).tolist()))


@final
class PosteriorCounter:
    """A running maximum and mean of cluster probabilities, batch by batch in constant memory."""

    def __init__(self, clusters: int) -> None:
        """Start without a sample."""
        self._largest, self._sum, self._count = np.zeros(clusters), np.zeros(clusters), 0

    def add(self, probabilities: NDArray[np.float32], valid: NDArray[np.bool_] | None = None) -> None:
        """Add the probabilities `(m, k)` of samples, or `(m, k, h, w)` of pixels, of which only `valid` ones count.

        Args:
            probabilities: Cluster probabilities, which sum to one over axis 1.
            valid: Valid pixels `(m, h, w)`. None if all are valid.
        """
        axes = (0, *range(2, probabilities.ndim))
        where = True if valid is None else valid[:, None]
        self._largest = np.maximum(self._largest, probabilities.max(axis=axes, where=where, initial=0.0))
        self._sum += probabilities.sum(axis=axes, where=where, dtype=np.float64)
        self._count += probabilities.size // probabilities.shape[1] if valid is None else int(valid.sum())

    def result(self) -> ClusterPosteriors | None:
        """Return the maximum and the mean over all samples so far. None without any."""
        return ClusterPosteriors(self._largest, self._sum / self._count) if self._count else None
