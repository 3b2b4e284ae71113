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
"""A mutual information no larger than this is that of independent variables, rounded."""


class Accuracy(MetricSpec):
    """Share of samples in the class that their cluster is matched with, one to one (Hungarian), in [0, 1].

    Of more clusters than classes, those left over are errors. Yang et al. 2010; called ACC.
    """

    def __call__(self, table: NDArray[np.int64]) -> float:
        """Hungarian accuracy of counts `(clusters, classes)`."""
        return float(table[linear_sum_assignment(table, maximize=True)].sum() / table.sum())


class MacroAccuracy(MetricSpec):
    """Mean over classes of the share of the class in its matched cluster, in [0, 1]: a rare class weighs as any.

    The matching is accuracy's. A class without samples does not count; a class without a cluster counts 0.
    """

    def __call__(self, table: NDArray[np.int64]) -> float:
        """Class-averaged Hungarian accuracy of counts `(clusters, classes)`."""
        rows, columns = linear_sum_assignment(table, maximize=True)
        hits = np.zeros(table.shape[1])
        hits[columns] = table[rows, columns]
        sizes = table.sum(axis=0)
        present = sizes > 0
        return float((hits[present] / sizes[present]).mean())


class MeanIntersectionOverUnion(MetricSpec):
    """Mean over classes of intersection over union with the matched cluster, in [0, 1]; called mIoU.

    The matching is accuracy's: one to one over the whole table, and most samples in matched cells. A class without
    samples is left out of the mean; a class without a cluster counts 0. The samples of a cluster left over are missed
    by their class and enter no other class's union, as in Hamilton et al. 2022.
    """

    def __call__(self, table: NDArray[np.int64]) -> float:
        """Mean intersection over union of counts `(clusters, classes)`."""
        rows, columns = linear_sum_assignment(table, maximize=True)
        shared, predicted = np.zeros(table.shape[1]), np.zeros(table.shape[1])
        shared[columns], predicted[columns] = table[rows, columns], table[rows].sum(axis=1)
        sizes = table.sum(axis=0)
        present = sizes > 0
        return float((shared[present] / (sizes + predicted - shared)[present]).mean())


class Purity(MetricSpec):
    """Share of samples in their cluster's most frequent class, in (0, 1]; many to one, so it grows with the clusters.

    The ClusterGAN and DLS-Clustering papers print it as "ACC".
    """

    def __call__(self, table: NDArray[np.int64]) -> float:
        """Purity of counts `(clusters, classes)`."""
        return float(table.max(axis=1).sum() / table.sum())


class NormalizedMutualInformation(MetricSpec):
    """Mutual information of clusters and classes over a mean of their entropies, in [0, 1]. Strehl and Ghosh 2002.

    One cluster on one class is a perfect 1; either of them alone says nothing, 0.
    """

    average: Mean = "arithmetic"
    """Which mean: `arithmetic`, `geometric` (DCCS), `min` or `max`."""

    def __call__(self, table: NDArray[np.int64]) -> float:
        """NMI of counts `(clusters, classes)`."""
        of_clusters, of_classes = _entropy(table.sum(axis=1)), _entropy(table.sum(axis=0))
        if of_clusters == of_classes == 0:
            return 1.0
        shared = _mutual_information(table)
        return shared / MEANS[self.average](of_clusters, of_classes) if shared > 0 else 0.0


class Homogeneity(MetricSpec):
    """How far a cluster holds one class only: 1 - H(class | cluster) / H(class). Rosenberg and Hirschberg 2007."""

    def __call__(self, table: NDArray[np.int64]) -> float:
        """Homogeneity of counts `(clusters, classes)`; 1 where there is one class."""
        of_classes = _entropy(table.sum(axis=0))
        return _mutual_information(table) / of_classes if of_classes > 0 else 1.0


class Completeness(MetricSpec):
    """How far a class lies in one cluster: 1 - H(cluster | class) / H(cluster). Rosenberg and Hirschberg 2007."""

    def __call__(self, table: NDArray[np.int64]) -> float:
        """Completeness of counts `(clusters, classes)`; 1 where there is one cluster."""
        of_clusters = _entropy(table.sum(axis=1))
        return _mutual_information(table) / of_clusters if of_clusters > 0 else 1.0


class AdjustedRandIndex(MetricSpec):
    """Agreement on pairs of samples, 0 for chance and 1 for equality. Hubert and Arabie 1985.

    Pairs are counted in whole numbers of any size: a large raster has more of them than 64 bits hold.
    """

    def __call__(self, table: NDArray[np.int64]) -> float:
        """ARI of counts `(clusters, classes)`."""
        together = _pairs(table)
        by_clusters, by_classes = _pairs(table.sum(axis=1)), _pairs(table.sum(axis=0))
        every = comb(int(table.sum()), 2)
        if together == by_clusters == by_classes:
            return 1.0
        by_chance_times_every = by_clusters * by_classes
        at_most_times_every = (by_clusters + by_classes) * every
        return 2 * (together * every - by_chance_times_every) / (at_most_times_every - 2 * by_chance_times_every)


def _entropy(counts: NDArray[np.int64]) -> float:
    """Entropy of the shares of `counts`, nats; exactly 0 where one holds them all."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum()) if shares.size > 1 else 0.0


def _mutual_information(table: NDArray[np.int64]) -> float:
    """Mutual information of clusters and classes, nats; exactly 0 where they are independent."""
    rows, columns = np.nonzero(table)
    share = table[rows, columns] / table.sum()
    by_cluster, by_class = table.sum(axis=1) / table.sum(), table.sum(axis=0) / table.sum()
    shared = float((share * (np.log(share) - np.log(by_cluster[rows]) - np.log(by_class[columns]))).sum())
    return shared if shared > ROUNDING * table.size else 0.0


def _pairs(counts: NDArray[np.int64]) -> int:
    """Pairs of samples that share an entry of `counts`."""
    return sum(comb(int(count), 2) for count in counts.ravel())
