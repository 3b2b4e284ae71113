"""Stability of clusters over several clusterings of the same samples. Hennig, CSDA 52, 2007: clusterwise assessment."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentclust.evaluate.match import UNMATCHED, hungarian

Labels = NDArray[np.int64]

STABLE, DOUBTFUL = 0.75, 0.6
"""Mean Jaccard from which a cluster is stable, and below which it should not be trusted. Hennig 2007, and the
documentation of his R function `clusterboot`."""


@dataclass(frozen=True, slots=True)
class Stability:
    """How well the clusters of a first clustering are found again in others.

    Attributes:
        matched: Cluster of each other clustering that a cluster is matched with, `(others, k)`, or `UNMATCHED`.
        jaccard: Jaccard index |A and B| / |A or B| of each matched pair, `(others, k)`, in [0, 1]. It is 0 for an
            unmatched cluster, and NaN for a cluster without a sample that both clusterings have.
        compared: Number of samples that the first clustering shares with each other one, `(others,)`.
    """

    matched: NDArray[np.int64]
    jaccard: NDArray[np.float64]
    compared: NDArray[np.int64]

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean Jaccard of each cluster over the clusterings with a sample of it, `(k,)`. NaN if there is none."""
        known = ~np.isnan(self.jaccard)
        counts = known.sum(axis=0)
        sums = np.where(known, self.jaccard, 0).sum(axis=0)
        means: NDArray[np.float64] = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
        return means


def cluster_stability(pairs: Sequence[NDArray[np.int64]]) -> Stability:
    """Return how well the clusters of a first clustering are found again in the others.

    Clusters are matched one to one by the number of common samples (Hungarian method), whereas Hennig takes the most
    similar cluster: two clusters that another clustering joins are not both found again.

    Args:
        pairs: Counts `[cluster, other cluster]` of the samples that the first clustering shares with each of the
            others, at least one, with K rows each.
    """
    found = [_matched_jaccard(table) for table in pairs]
    return Stability(
        np.stack([matched for matched, _ in found]),
        np.stack([jaccard for _, jaccard in found]),
        np.array([int(table.sum()) for table in pairs]),
    )


def pair_counts(one: Labels, other: Labels, rows: int, columns: int) -> NDArray[np.int64]:
    """Return the number of samples with each pair of clusters, `(rows, columns)`.

    Args:
        one: Clusters `(n,)`, from 0 to `rows` - 1.
        other: Clusters of the same samples, from 0 to `columns` - 1.
        rows: Number of clusters of `one`.
        columns: Number of clusters of `other`.
    """
    cells = one * columns + other
    return np.bincount(cells, minlength=rows * columns).reshape(rows, columns).astype(np.int64)


def _matched_jaccard(table: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    matched = hungarian(table)
    sizes, others = table.sum(axis=1), table.sum(axis=0)
    jaccard = np.where(sizes > 0, 0.0, np.nan)
    rows = np.flatnonzero(matched != UNMATCHED)
    common = table[rows, matched[rows]]
    jaccard[rows] = common / (sizes[rows] + others[matched[rows]] - common)
    return matched, jaccard
