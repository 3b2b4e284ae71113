"""Hierarchical density-based clustering (Campello, Moulavi and Sander 2013), for comparison with every result."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from latentclust.api import BaselineSpec

LEAST_SIZE = 5
"""Smallest default size of a cluster."""


class Hdbscan(BaselineSpec):
    """HDBSCAN: clusters are dense regions; their number is found, and points in sparse regions are noise.

    Noise counts as one more cluster in all scores, and the report states its share and the number of clusters found. It
    is fitted to at most `max_samples` points; each other point has the label of the nearest of them.

    Example:
        ```toml
        [evaluate]
        baselines = [{ use = "hdbscan", min_cluster_size = 100 }]
        ```
    """

    finds_clusters: ClassVar[bool] = True

    pca: PositiveInt | None = 50
    """Number of principal components that the points are reduced to, at most as many as there are. None: no reduction,
    which takes long in many dimensions."""

    min_cluster_size: int | None = Field(default=None, ge=2)
    """Smallest number of points of a cluster. None: a hundredth of the fitted points, at least 5."""

    min_samples: PositiveInt = 5
    """Number of neighbours that the density of a point is computed from. Larger values make more points noise."""

    max_samples: PositiveInt = 10_000
    """Largest number of points that the clustering is fitted to, drawn evenly. Time grows with its square."""

    def cluster(self, points: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
        """Return the labels `(n,)` of points `(n, d)`, `NOISE` for noise. `clusters` is not used."""
        from sklearn.cluster import HDBSCAN
        from sklearn.neighbors import KNeighborsClassifier

        drawn = np.random.default_rng(seed).permutation(len(points))[: self.max_samples]
        fitted = points[np.sort(drawn)]
        size = min(self.min_cluster_size or max(LEAST_SIZE, len(fitted) // 100), len(fitted))
        estimator = HDBSCAN(min_cluster_size=size, min_samples=min(self.min_samples, len(fitted)), copy=True)
        labels = np.asarray(estimator.fit_predict(fitted), dtype=np.int64)
        if len(fitted) == len(points):
            return labels
        return np.asarray(KNeighborsClassifier(n_neighbors=1).fit(fitted, labels).predict(points), dtype=np.int64)
