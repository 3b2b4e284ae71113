"""Metrics of a clustering against classes, in float64, from counts `table[cluster, class]` of at least one sample."""

from collections.abc import Callable
from math import comb, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from latentclust.api import MetricSpec

Mean = Literal["arithmetic", "geometric", "min", "max"]

MEANS: dict[Mean, Callable[[float, float], float]] = {
    "arithmetic": lambda a, b: (a + b) / 2,
    "geometric": lambda a, b: sqrt(a * b),
    "min": min,
    "max": max,
}

ROUNDING = float(np.finfo(np.float64).eps)
"""Threshold, per cell of the table, up to which a mutual information is the rounding error of 0."""


class Accuracy(MetricSpec):
    """Share of samples in the class that is matched one-to-one (Hungarian) with their cluster, in [0, 1].

    Samples of unmatched clusters are errors. Also known as ACC (Yang et al. 2010).

    Example:
        ```toml
        [evaluate]
        metrics = ["accuracy", "nmi"]
        ```
    """

    def __call__(self, table: NDArray[np.int64]) -> float:
        """Return the Hungarian accuracy of counts `(clusters, classes)`."""
        return float(table[linear_sum_assignment(table, maximize=True)].sum() / table.sum())


class MacroAccuracy(MetricSpec):
    """Mean over classes of the share of a class in its matched cluster, in [0, 1]. Rare classes have the same weight.

    The matching is that of accuracy. Classes without samples are ignored; a class without a cluster contributes 0.

    Example:
        ```toml
        [evaluate]
        metrics = ["macro-accuracy"]
        ```
    """

    def __call__(self, table: NDArray[np.int64]) -> float:
        """Return the class-averaged Hungarian accuracy of counts `(clusters, classes)`."""
        rows, columns = linear_sum_assignment(table, maximize=True)
        hits = np.zeros(table.shape[1])
        hits[columns] = table[rows, columns]
        sizes = table.sum(axis=0)
        present = sizes > 0
        return float((hits[present] / sizes[present]).mean())


class MeanIntersectionOverUnion(MetricSpec):
    """Mean over classes of intersection over union with the matched cluster, in [0, 1]; also known as mIoU.

    The matching is that of accuracy: one-to-one over the whole table with the most samples in matched cells. Classes
    without samples are ignored; a class without a cluster contributes 0. Samples of unmatched clusters are missing from
    their class and belong to the union of no other class, as in Hamilton et al. 2022.

    Example:
        ```toml
        [evaluate]
        metrics = ["miou"]
        ```
    """

    def __call__(self, table: NDArray[np.int64]) -> float:
        """Return the mean intersection over union of counts `(clusters, classes)`."""
        rows, columns = linear_sum_assignment(table, maximize=True)
        shared, predicted = np.zeros(table.shape[1]), np.zeros(table.shape[1])
        shared[columns], predicted[columns] = table[rows, columns], table[rows].sum(axis=1)
        sizes = table.sum(axis=0)
        present = sizes > 0
        return float((shared[present] / (sizes + predicted - shared)[present]).mean())


class Purity(MetricSpec):
    """Share of samples in the most frequent class of their cluster, in (0, 1].

    Several clusters may have the same class, so purity increases with the number of clusters. The papers of ClusterGAN
    and DLS-Clustering report it as "ACC".

    Example:
        ```toml
        [evaluate]
        metrics = ["purity"]
        ```
    """

    def __call__(self, table: NDArray[np.int64]) -> float:
        """Return the purity of counts `(clusters, classes)`."""
        return float(table.max(axis=1).sum() / table.sum())


class NormalizedMutualInformation(MetricSpec):
    """Mutual information of clusters and classes divided by a mean of their entropies, in [0, 1].

    Source: Strehl and Ghosh 2002. With one cluster and one class it is 1. With only one of either it is 0.

    Example:
        ```toml
        [evaluate]
        metrics = ["accuracy", { use = "nmi", average = "geometric" }]
        ```
    """

    average: Mean = "arithmetic"
    """Mean of the entropies: `arithmetic`, `geometric` (DCCS), `min` or `max`."""

    def __call__(self, table: NDArray[np.int64]) -> float:
        """Return the NMI of counts `(clusters, classes)`."""
        of_clusters, of_classes = _entropy(table.sum(axis=1)), _entropy(table.sum(axis=0))
        if of_clusters == of_classes == 0:
            return 1.0
        shared = _mutual_information(table)
        return shared / MEANS[self.average](of_clusters, of_classes) if shared > 0 else 0.0


class Homogeneity(MetricSpec):
    """Degree to which each cluster contains one class: 1 - H(class | cluster) / H(class), in [0, 1].

    Source: Rosenberg and Hirschberg 2007.

    Example:
        ```toml
        [evaluate]
        metrics = ["homogeneity"]
        ```
    """

    def __call__(self, table: NDArray[np.int64]) -> float:
        """Return the homogeneity of counts `(clusters, classes)`. It is 1 if there is one class."""
        of_classes = _entropy(table.sum(axis=0))
        return _mutual_information(table) / of_classes if of_classes > 0 else 1.0


class Completeness(MetricSpec):
    """Degree to which each class lies in one cluster: 1 - H(cluster | class) / H(cluster), in [0, 1].

    Source: Rosenberg and Hirschberg 2007.

    Example:
        ```toml
        [evaluate]
        metrics = ["completeness"]
        ```
    """

    def __call__(self, table: NDArray[np.int64]) -> float:
        """Return the completeness of counts `(clusters, classes)`. It is 1 if there is one cluster."""
        of_clusters = _entropy(table.sum(axis=1))
        return _mutual_information(table) / of_clusters if of_clusters > 0 else 1.0


class AdjustedRandIndex(MetricSpec):
    """Agreement on pairs of samples, 0 at chance and 1 for equal partitions. Hubert and Arabie 1985.

    Pairs are counted with Python integers, since the number of pairs of a large raster exceeds 64 bits.

    Example:
        ```toml
        [evaluate]
        metrics = ["ari"]
        ```
    """

    def __call__(self, table: NDArray[np.int64]) -> float:
        """Return the ARI of counts `(clusters, classes)`."""
        together = _pairs(table)
        by_clusters, by_classes = _pairs(table.sum(axis=1)), _pairs(table.sum(axis=0))
        every = comb(int(table.sum()), 2)
        if together == by_clusters == by_classes:
            return 1.0
        by_chance_times_every = by_clusters * by_classes
        at_most_times_every = (by_clusters + by_classes) * every
        return 2 * (together * every - by_chance_times_every) / (at_most_times_every - 2 * by_chance_times_every)


def _entropy(counts: NDArray[np.int64]) -> float:
    """Return the entropy of the shares of `counts` in nats. It is exactly 0 if one entry has all of them."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum()) if shares.size > 1 else 0.0


def _mutual_information(table: NDArray[np.int64]) -> float:
    """Return the mutual information of clusters and classes in nats. It is exactly 0 if they are independent."""
    rows, columns = np.nonzero(table)
    share = table[rows, columns] / table.sum()
    by_cluster, by_class = table.sum(axis=1) / table.sum(), table.sum(axis=0) / table.sum()
    shared = float((share * (np.log(share) - np.log(by_cluster[rows]) - np.log(by_class[columns]))).sum())
    return shared if shared > ROUNDING * table.size else 0.0


def _pairs(counts: NDArray[np.int64]) -> int:
    """Return the number of pairs of samples in the same entry of `counts`."""
    return sum(comb(int(count), 2) for count in counts.ravel())
