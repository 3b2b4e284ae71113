"""How far two clusterings of the same samples agree, whatever they call their clusters."""

import numpy as np
from numpy.typing import NDArray

from latentclust.evaluate.match import hungarian, matched_samples


def matched_agreement(one: NDArray[np.int64], other: NDArray[np.int64], clusters: int) -> float:
    """The share of samples that lie in clusters matched one to one; labels `(n,)` in 0 to `clusters` - 1."""
    table = np.zeros((clusters, clusters), dtype=np.int64)
    np.add.at(table, (one, other), 1)
    return matched_share(table)


def matched_share(pairs: NDArray[np.int64]) -> float:
    """The share of the samples counted in `pairs[cluster, other cluster]` that lie in clusters matched one to one."""
    return matched_samples(pairs, hungarian(pairs)) / int(pairs.sum())


def equal_share(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """The share of samples that bear the same label in both, `(n,)` each."""
    return float((one == other).mean())


def equal_share_of_counts(pairs: NDArray[np.int64]) -> float:
    """The share of the samples counted in `pairs[label, other label]` that bear the same label in both."""
    return int(np.trace(pairs)) / int(pairs.sum())
