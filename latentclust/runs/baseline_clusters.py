"""Clusters of points by a baseline: the points reduced as it asks, and noise as one more cluster."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentclust.specs.evaluation import NOISE, BaselineSpec

LEAST_VARIANCE = 1e-6
"""Least variance of a principal component that is whitened, as a share of the largest one."""


@dataclass(frozen=True, slots=True)
class BaselineClusters:
    """The clusters of points.

    Attributes:
        labels: Cluster of each point, `(n,)`, 0-based.
        clusters: Number of clusters, with that of noise.
        facts: Number of clusters found and share of noise, of a baseline that finds the number of clusters.
    """

    labels: NDArray[np.int64]
    clusters: int
    facts: dict[str, float]


def cluster_points(baseline: BaselineSpec, points: NDArray[np.float32], clusters: int, seed: int) -> BaselineClusters:
    """Return the clusters of points `(n, d)`. Noise is the last cluster, if there is any.

    Args:
        baseline: The clustering, with its options.
        points: Points `(n, d)`.
        clusters: Number of clusters K, which a baseline with `finds_clusters` ignores.
        seed: Random seed.
    """
    labels = baseline.cluster(reduced(points, baseline.pca, baseline.whiten, seed), clusters, seed)
    if not baseline.finds_clusters:
        return BaselineClusters(labels, clusters, {})
    found, noise = int(labels.max()) + 1, labels == NOISE
    facts = {"clusters-found": float(found), "noise": float(noise.mean())}
    return BaselineClusters(np.where(noise, found, labels), found + int(noise.any()), facts)


def reduced(points: NDArray[np.float32], components: int | None, whiten: bool, seed: int) -> NDArray[np.float32]:
    """Return the principal components of points `(n, d)`, or the points themselves if nothing is asked for.

    Args:
        points: Points `(n, d)`, which are not changed.
        components: Number of components; there are at most min(n, d). None: all.
        whiten: Whether each component gets the variance 1. Components of almost no variance are then left out.
        seed: Random seed of the randomised decomposition of many dimensions.
    """
    if components is None and not whiten:
        return points
    from sklearn.decomposition import PCA

    most = min(points.shape)
    centred = points - points.mean(axis=0, dtype=np.float64).astype(np.float32)  # else float32 loses small components
    found = PCA(min(components or most, most), whiten=whiten, random_state=seed, copy=False)
    projected = found.fit_transform(centred)
    if whiten:
        variances = found.explained_variance_
        projected = projected[:, variances > LEAST_VARIANCE * variances[0]]
    return np.ascontiguousarray(projected, dtype=np.float32)
