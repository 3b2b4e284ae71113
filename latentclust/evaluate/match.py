"""One-to-one matching of clusters to classes, or to the clusters of another clustering, by the Hungarian method."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

UNMATCHED = -1
"""Class of a cluster that no class is matched with."""


def hungarian(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the class of each cluster, `(clusters,)`, that maximises the number of samples in matched cells.

    Solves max over one-to-one m of the sum of `table[c, m(c)]` over clusters c. Kuhn, "The Hungarian method for the
    assignment problem", 1955.

    If there are more clusters than classes, the remaining clusters are `UNMATCHED` and all of their samples count as
    errors. A pair without a common sample is `UNMATCHED` too, so that an empty cluster never gets the name of a class.

    Args:
        table: Counts `table[cluster, class]`, `(clusters, classes)`.
    """
    matching = np.full(len(table), UNMATCHED, dtype=np.int64)
    rows, columns = linear_sum_assignment(table, maximize=True)
    shared = table[rows, columns] > 0
    matching[rows[shared]] = columns[shared]
    return matching


def matched_samples(table: NDArray[np.int64], matching: NDArray[np.int64]) -> int:
    """Return the number of samples whose class is the one that their cluster is matched with."""
    rows = np.flatnonzero(matching != UNMATCHED)
    return int(table[rows, matching[rows]].sum())


def matched_agreement(one: NDArray[np.int64], other: NDArray[np.int64], clusters: int) -> float:
    """Return the share of samples in matched clusters of two clusterings, in [0, 1].

    Args:
        one: Clusters `(n,)`, from 0 to `clusters` - 1.
        other: Clusters of the same samples by the other clustering.
        clusters: Number of clusters of each.
    """
    table = np.zeros((clusters, clusters), dtype=np.int64)
    np.add.at(table, (one, other), 1)
    return matched_share(table)


def matched_share(pairs: NDArray[np.int64]) -> float:
    """Return the share of the samples counted in `pairs[cluster, other cluster]` that lie in matched clusters."""
    return matched_samples(pairs, hungarian(pairs)) / int(pairs.sum())


def equal_share(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Return the share of samples with the same label in both arrays, `(n,)` each. Clusters are not matched."""
    return float((one == other).mean())


def equal_share_of_counts(pairs: NDArray[np.int64]) -> float:
    """Return the share of the samples counted in `pairs[label, other label]` with the same label twice."""
    return int(np.trace(pairs)) / int(pairs.sum())
