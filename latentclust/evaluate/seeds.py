"""Several runs of one recipe: mean, standard deviation, and which of them collapsed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

COLLAPSED_SHARE = 0.5
"""A run has collapsed when its effective number of clusters is at most this share of K."""


@dataclass(frozen=True, slots=True)
class MeanAndStd:
    """Mean and sample standard deviation (n - 1 in the denominator) of each metric; no deviation of a single run."""

    mean: dict[str, float]
    std: dict[str, float] | None


def mean_and_std(scores: Sequence[Mapping[str, float]]) -> MeanAndStd:
    """The spread, over runs, of the metrics that every run has."""
    shared = [name for name in scores[0] if all(name in run for run in scores)] if scores else []
    values = {name: np.array([run[name] for run in scores], dtype=np.float64) for name in shared}
    mean = {name: float(found.mean()) for name, found in values.items()}
    if len(scores) < 2:
        return MeanAndStd(mean, None)
    return MeanAndStd(mean, {name: float(found.std(ddof=1)) for name, found in values.items()})


def effective_clusters(occupancy: NDArray[np.int64]) -> float:
    """The exponential of the entropy of cluster sizes `(k,)`: k for equal clusters, 1 when one holds every sample."""
    return float(np.exp(_entropy(occupancy)))


def has_collapsed(occupancy: NDArray[np.int64]) -> bool:
    """Whether the effective number of the K = `len(occupancy)` clusters is at most K/2: so few do the work of all."""
    return _entropy(occupancy) <= log(COLLAPSED_SHARE * len(occupancy))


def _entropy(counts: NDArray[np.int64]) -> float:
    """Entropy of the shares of `counts`, nats."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
