"""The choice of the samples that the page of a run shows: how many, and which of each cluster."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_CARDS = 300
"""Maximum number of clusters with a card, the largest ones."""

MOST_PER_ROW = 12
"""Maximum number of images of a cluster for each reason: surest, least sure, random."""

CLUSTER_IMAGES = 2400
"""Approximate number of images of all clusters together."""

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ClusterImages:
    """The samples of a cluster that the page shows.

    Attributes:
        surest: Samples with the highest confidence, the highest first.
        least_sure: Samples with the lowest confidence, the lowest first; none of the surest.
        random: Samples drawn at random.
    """

    surest: Indices
    least_sure: Indices
    random: Indices

    @property
    def all(self) -> Indices:
        """All samples, with repetitions."""
        return np.concatenate([self.surest, self.least_sure, self.random])


def images_per_row(clusters: int) -> int:
    """Return the number of images of a cluster for each reason, fewer for many clusters."""
    return int(np.clip(CLUSTER_IMAGES // (3 * max(clusters, 1)), 2, MOST_PER_ROW))


def choose_images(
    labels: Indices, confidence: NDArray[np.float32], shown: Sequence[int], count: int, seed: int
) -> list[ClusterImages]:
    """Return the samples of each cluster in `shown` that the page shows.

    Args:
        labels: Cluster of each sample, `(n,)`.
        confidence: Confidence of each sample.
        shown: Clusters, 0-based.
        count: Maximum number of samples for each reason.
        seed: Random seed.
    """
    order = np.lexsort((np.arange(len(labels)), -confidence, labels))
    sizes = np.bincount(labels, minlength=max(shown, default=0) + 1)
    ends = np.cumsum(sizes)
    rng = np.random.default_rng(seed)
    chosen = []
    for cluster in shown:
        members = order[ends[cluster] - sizes[cluster] : ends[cluster]]
        rest = members[count:]
        random = rng.permutation(len(members))[:count]
        chosen.append(ClusterImages(members[:count], rest[::-1][:count], members[random]))
    return chosen


def largest_clusters(occupancy: Indices) -> list[int]:
    """Return the clusters with a card in ascending order: all, or the `MOST_CARDS` largest."""
    return sorted(np.argsort(-occupancy, kind="stable")[:MOST_CARDS].tolist())
