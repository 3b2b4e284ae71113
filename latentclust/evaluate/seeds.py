"""Statistics over runs of one recipe with different seeds, and the test for collapsed runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

COLLAPSED_SHARE = 0.5
"""A run has collapsed if its effective number of clusters is at most this share of K."""


@dataclass(frozen=True, slots=True)
class MeanAndStd:
    """The mean and sample standard deviation of each metric over runs.

    Attributes:
        mean: Mean by metric.
        std: Sample standard deviation by metric (n - 1 in the denominator). None for fewer than two runs.
    """

    mean: dict[str, float]
    std: dict[str, float] | None


def mean_and_std(scores: Sequence[Mapping[str, float]]) -> MeanAndStd:
    """Return mean and standard deviation, over runs, of the metrics that every run has."""
    shared = [name for name in scores[0] if all(name in run for run in scores)] if scores else []
    values = {name: np.array([run[name] for run in scores], dtype=np.float64) for name in shared}
    mean = {name: float(found.mean()) for name, found in values.items()}
    if len(scores) < 2:
        return MeanAndStd(mean, None)
    return MeanAndStd(mean, {name: float(found.std(ddof=1)) for name, found in values.items()})


def effective_clusters(occupancy: NDArray[np.int64]) -> float:
    """Return exp(H), H the entropy of the cluster sizes `(k,)`: k for equal clusters, 1 if one has all samples."""
    return float(np.exp(_entropy(occupancy)))


def has_collapsed(occupancy: NDArray[np.int64]) -> bool:
    """Return whether the effective number of the K = `len(occupancy)` clusters is at most K/2."""
    return _entropy(occupancy) <= log(COLLAPSED_SHARE * len(occupancy))


def _entropy(counts: NDArray[np.int64]) -> float:
    """Return the entropy of the shares of `counts` in nats."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
