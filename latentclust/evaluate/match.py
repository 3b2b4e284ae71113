"""Which class each cluster stands for: Hungarian matching, one to one (Kuhn 1955)."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

UNMATCHED = -1
"""The class of a cluster that stands for none."""


def hungarian(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """The class of each cluster, `(clusters,)`, that puts most samples of `table[cluster, class]` in matched cells.

    Of more clusters than classes, those left over are `UNMATCHED`, and all of their samples errors. A pair that has no
    sample in common is `UNMATCHED` too, so that an empty cluster never bears a class's name.
    """
    matching = np.full(len(table), UNMATCHED, dtype=np.int64)
    rows, columns = linear_sum_assignment(table, maximize=True)
    shared = table[rows, columns] > 0
    matching[rows[shared]] = columns[shared]
    return matching


def matched_samples(table: NDArray[np.int64], matching: NDArray[np.int64]) -> int:
    """How many samples lie in the class that their cluster is matched with."""
    rows = np.flatnonzero(matching != UNMATCHED)
    return int(table[rows, matching[rows]].sum())
