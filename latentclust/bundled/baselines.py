"""Classical clusterings of whole samples by scikit-learn, for comparison with every result."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from latentclust.api import BaselineSpec, LatentclustError

log = logging.getLogger(__name__)

BYTES_PER_PAIR = 8
"""Memory of an all-pairs method for one pair of samples: one float64."""

GMM_COMPONENTS = 20
"""Default number of principal components of a Gaussian mixture."""

PART = 10_000
"""Number of points that a fitted mixture assigns at once."""


class KMeans(BaselineSpec):
    """Lloyd's k-means with k-means++ initialisation, best of `n_init` by inertia.

    Example:
        ```toml
        [evaluate]
        baselines = [{ use = "kmeans", n_init = 20 }]
        ```
    """

    n_init: PositiveInt = 10
    """Number of initialisations."""

    max_iter: PositiveInt = 1000
    """Largest number of iterations per initialisation."""

    def cluster(self, points: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
        """Return the labels `(n,)` of points `(n, d)`."""
        from sklearn.cluster import KMeans as Estimator

        estimator = Estimator(clusters, n_init=self.n_init, max_iter=self.max_iter, random_state=seed)
        with _warnings_to_log("kmeans"):
            return np.asarray(estimator.fit_predict(points), dtype=np.int64)


class MiniBatchKMeans(BaselineSpec):
    """k-means on small random batches (Sculley 2010), for data sets on which k-means takes too long.

    Example:
        ```toml
        [evaluate]
        baselines = [{ use = "minibatch-kmeans", batch_size = 8192 }]
        ```
    """

    n_init: PositiveInt = 10
    """Number of initialisations. The algorithm runs on the best of them."""

    max_iter: PositiveInt = 200
    """Largest number of passes over the points."""

    batch_size: PositiveInt = 4096
    """Number of points per step."""

    def cluster(self, points: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
        """Return the labels `(n,)` of points `(n, d)`."""
        from sklearn.cluster import MiniBatchKMeans as Estimator

        estimator = Estimator(
            clusters, n_init=self.n_init, max_iter=self.max_iter, batch_size=self.batch_size, random_state=seed
        )
        with _warnings_to_log("minibatch-kmeans"):
            return np.asarray(estimator.fit_predict(points), dtype=np.int64)


class NonNegativeFactorization(BaselineSpec):
    """Largest of K non-negative factors with Kullback-Leibler loss, as in ClusterGAN 2019, which gives no weights.

    Example:
        ```toml
        [evaluate]
        baselines = [{ use = "nmf", max_iter = 1000 }]
        ```
    """

    l1: NonNegativeFloat = 1e-4
    """Weight of the absolute values of the factors, per sample and feature."""

    l2: NonNegativeFloat = 1e-4
    """Weight of the squares of the factors, per sample and feature."""

    max_iter: PositiveInt = 500
    """Largest number of iterations."""

    def cluster(self, points: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
        """Return the labels `(n,)` of points `(n, d)`, starting from a non-negative double SVD.

        Raises:
            LatentclustError: If a point has a negative coordinate, or K exceeds min(n, d).
        """
        from sklearn.decomposition import NMF

        self._refuse_unsuitable(points, clusters)
        weight = self.l1 + self.l2
        estimator = NMF(
            clusters,
            init="nndsvda",  # The multiplicative solver, the only one for this loss, cannot change zeros of NNDSVD.
            solver="mu",
            beta_loss="kullback-leibler",
            alpha_W=weight,
            l1_ratio=self.l1 / weight if weight > 0 else 0.0,
            max_iter=self.max_iter,
            random_state=seed,
        )
        with _warnings_to_log("nmf"):
            loadings = estimator.fit_transform(points)
        return np.asarray(loadings.argmax(axis=1), dtype=np.int64)

    def _refuse_unsuitable(self, points: NDArray[np.float32], clusters: int) -> None:
        if points.size and points.min() < 0:
            what = f"nmf requires non-negative points, the smallest value is {points.min():.3g}"
            raise LatentclustError.at("evaluate.baselines.nmf", what, "Use it on pixels, or remove it from the list")
        if clusters > min(points.shape):
            what = f"cannot find {clusters} clusters in {points.shape[0]} points of {points.shape[1]} dimensions"
            raise LatentclustError.at("evaluate.baselines.nmf", what, f"Use at most {min(points.shape)} clusters")


class Spectral(BaselineSpec):
    """Normalised spectral clustering (Shi and Malik 2000), with the RBF kernel as in ClusterGAN 2019.

    Example:
        ```toml
        [evaluate]
        baselines = [{ use = "spectral", affinity = "nearest_neighbors", neighbors = 15 }]
        ```
    """

    affinity: Literal["rbf", "nearest_neighbors"] = "rbf"
    """Similarity of two points: the RBF kernel, or whether one is among the nearest neighbours of the other."""

    gamma: PositiveFloat | None = None
    """Coefficient of the kernel exp(-gamma r²), in inverse squared units of the points. None: 1 / (d · variance)."""

    neighbors: PositiveInt = 10
    """Number of neighbours for the affinity `nearest_neighbors`."""

    n_init: PositiveInt = 10
    """Number of initialisations of k-means on the eigenvectors."""

    max_samples: PositiveInt = 12_000
    """Largest accepted number of samples. Affinities take 8 n² bytes, 1.2 GB at the default, and time grows faster."""

    def cluster(self, points: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
        """Return the labels `(n,)` of points `(n, d)`.

        Raises:
            LatentclustError: If there are more than `max_samples` points.
        """
        from sklearn.cluster import SpectralClustering

        _refuse_many("spectral", len(points), self.max_samples)
        scale = float(points.var()) * points.shape[1]
        estimator = SpectralClustering(
            clusters,
            affinity=self.affinity,
            gamma=self.gamma or (1 / scale if scale > 0 else 1.0),
            n_neighbors=min(self.neighbors, len(points)),
            n_init=self.n_init,
            random_state=seed,
        )
        with _warnings_to_log("spectral"):
            return np.asarray(estimator.fit_predict(points), dtype=np.int64)


class Agglomerative(BaselineSpec):
    """Agglomerative clustering with Ward's criterion (1963), Euclidean, as in ClusterGAN 2019. It needs no seed.

    Example:
        ```toml
        [evaluate]
        baselines = [{ use = "agglomerative", max_samples = 20000 }]
        ```
    """

    max_samples: PositiveInt = 12_000
    """Largest accepted number of samples. Distances take 8 n² bytes, 1.2 GB at the default, and time grows as fast."""

    def cluster(self, points: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
        """Return the labels `(n,)` of points `(n, d)`.

        Raises:
            LatentclustError: If there are more than `max_samples` points.
        """
        from sklearn.cluster import AgglomerativeClustering

        _refuse_many("agglomerative", len(points), self.max_samples)
        return np.asarray(AgglomerativeClustering(clusters, linkage="ward").fit_predict(points), dtype=np.int64)


class GaussianMixtureBaseline(BaselineSpec):
    """Mixture of K Gaussians fitted by expectation maximisation from k-means, best of `n_init` by likelihood.

    It is fitted to at most `max_samples` points, and then assigns every point to its most probable Gaussian.

    Example:
        ```toml
        [evaluate]
        baselines = [{ use = "gmm", pca = 50, covariance = "diag" }]
        ```
    """

    pca: PositiveInt | None = GMM_COMPONENTS
    """Number of principal components that the points are reduced to, at most as many as there are. None: no reduction,
    for which `full` and `tied` take long in many dimensions."""

    covariance: Literal["full", "tied", "diag", "spherical"] = "full"
    """Form of the covariance matrices. `full` needs many more samples per cluster than components."""

    n_init: PositiveInt = 3
    """Number of initialisations."""

    max_iter: PositiveInt = 100
    """Largest number of iterations per initialisation."""

    max_samples: PositiveInt = 20_000
    """Largest number of points that the mixture is fitted to, drawn evenly."""

    floor: Annotated[float, Field(gt=0)] = 1e-4
    """Value added to every variance, in squared units of the points, so that constant pixels do not stop the fit."""

    def cluster(self, points: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
        """Return the labels `(n,)` of points `(n, d)`. The fit is in float64."""
        from sklearn.mixture import GaussianMixture as Estimator

        estimator = Estimator(
            clusters,
            covariance_type=self.covariance,
            n_init=self.n_init,
            max_iter=self.max_iter,
            reg_covar=self.floor,
            random_state=seed,
        )
        drawn = np.random.default_rng(seed).permutation(len(points))[: self.max_samples]
        with _warnings_to_log("gmm"):
            estimator.fit(points[np.sort(drawn)].astype(np.float64))
            parts = [estimator.predict(part.astype(np.float64)) for part in _in_parts(points)]
        return np.concatenate(parts).astype(np.int64)


def _in_parts(points: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    return (points[at : at + PART] for at in range(0, len(points), PART))


def _refuse_many(name: str, samples: int, limit: int) -> None:
    if samples > limit:
        gigabytes = BYTES_PER_PAIR * samples**2 / 1e9
        what = f"got {samples} samples, above max_samples = {limit} (all pairs take {gigabytes:.1f} GB)"
        fix = f'If memory allows, write {{ use = "{name}", max_samples = {samples} }}; or remove it from the list'
        raise LatentclustError.at(f"evaluate.baselines.{name}", what, fix)


@contextmanager
def _warnings_to_log(name: str) -> Iterator[None]:
    """Send the warnings of an estimator, such as slow convergence, to the log instead of the terminal."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        log.info("%s: %s", name, warning.message)
