"""Classical clusterings of the same samples, by scikit-learn, to stand beside every result."""

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
"""What an all-pairs method holds of two samples: one float64."""


class KMeans(BaselineSpec):
    """Lloyd's k-means from k-means++ seeds, the best of `n_init` by inertia."""

    n_init: PositiveInt = 10
    """How often it starts anew."""

    max_iter: PositiveInt = 1000
    """Steps of each start, at most."""

    def cluster(self, points: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
        """Labels `(n,)` of points `(n, d)`."""
        from sklearn.cluster import KMeans as Estimator

        estimator = Estimator(clusters, n_init=self.n_init, max_iter=self.max_iter, random_state=seed)
        with _warnings_to_log("kmeans"):
            return np.asarray(estimator.fit_predict(points), dtype=np.int64)


class MiniBatchKMeans(BaselineSpec):
    """K-means on small random batches (Sculley 2010), for sets on which k-means takes too long."""

    n_init: PositiveInt = 10
    """How many starts are tried, of which the best goes on."""

    max_iter: PositiveInt = 200
    """Passes over the points, at most."""

    batch_size: PositiveInt = 4096
    """Points a step."""

    def cluster(self, points: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
        """Labels `(n,)` of points `(n, d)`."""
        from sklearn.cluster import MiniBatchKMeans as Estimator

        estimator = Estimator(
            clusters, n_init=self.n_init, max_iter=self.max_iter, batch_size=self.batch_size, random_state=seed
        )
        with _warnings_to_log("minibatch-kmeans"):
            return np.asarray(estimator.fit_predict(points), dtype=np.int64)


class NonNegativeFactorization(BaselineSpec):
    """The largest of K non-negative factors, Kullback-Leibler loss; as in ClusterGAN 2019, which states no weights."""

    l1: NonNegativeFloat = 1e-4
    """Weight of the absolute values of the factors, per sample and feature."""

    l2: NonNegativeFloat = 1e-4
    """Weight of the squares of the factors, per sample and feature."""

    max_iter: PositiveInt = 500
    """Steps, at most."""

    def cluster(self, points: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
        """Labels `(n,)` of points `(n, d)`, from a non-negative double SVD start.

        Raises:
            LatentclustError: A point has a negative coordinate, or K exceeds min(n, d).
        """
        from sklearn.decomposition import NMF

        self._refuse_unsuitable(points, clusters)
        weight = self.l1 + self.l2
        estimator = NMF(
            clusters,
            init="nndsvda",  # the multiplicative solver, the only one for this loss, cannot leave plain NNDSVD's zeros
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
            what = f"the smallest value is {points.min():.3g}, and nmf takes non-negative points only"
            raise LatentclustError.at("evaluate.baselines.nmf", what, "Use it on pixels, or take it out of the list")
        if clusters > min(points.shape):
            what = f"{clusters} clusters of {points.shape[0]} points in {points.shape[1]} dimensions"
            raise LatentclustError.at("evaluate.baselines.nmf", what, f"Ask for at most {min(points.shape)} clusters")


class Spectral(BaselineSpec):
    """Normalised spectral clustering (Shi and Malik 2000); as in ClusterGAN 2019, with the RBF kernel."""

    affinity: Literal["rbf", "nearest_neighbors"] = "rbf"
    """What makes points alike: the RBF kernel, or being among each other's nearest."""

    gamma: PositiveFloat | None = None
    """Of the kernel exp(-gamma r²), in inverse squared units of the points; None for 1 / (d · their variance)."""

    neighbors: PositiveInt = 10
    """How many nearest points count, of `nearest_neighbors`."""

    n_init: PositiveInt = 10
    """How often the k-means of the eigenvectors starts anew."""

    max_samples: PositiveInt = 12_000
    """Refuses more: the affinities take 8 n² bytes, 1.2 GB at this limit, and time grows faster."""

    def cluster(self, points: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
        """Labels `(n,)` of points `(n, d)`.

        Raises:
            LatentclustError: More than `max_samples` points.
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
    """Bottom-up merging by Ward's criterion (1963), Euclidean; as in ClusterGAN 2019. The seed is not used."""

    max_samples: PositiveInt = 12_000
    """Refuses more: the distances take 8 n² bytes, 1.2 GB at this limit, and time grows as fast."""

    def cluster(self, points: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
        """Labels `(n,)` of points `(n, d)`.

        Raises:
            LatentclustError: More than `max_samples` points.
        """
        from sklearn.cluster import AgglomerativeClustering

        _refuse_many("agglomerative", len(points), self.max_samples)
        return np.asarray(AgglomerativeClustering(clusters, linkage="ward").fit_predict(points), dtype=np.int64)


class GaussianMixtureBaseline(BaselineSpec):
    """A mixture of K Gaussians fitted by expectation maximisation from k-means, the best of `n_init` by likelihood."""

    covariance: Literal["full", "tied", "diag", "spherical"] = "diag"
    """`full` needs far more samples in a cluster than dimensions."""

    n_init: PositiveInt = 3
    """How often it starts anew."""

    max_iter: PositiveInt = 500
    """Steps of each start, at most."""

    floor: Annotated[float, Field(gt=0)] = 1e-4
    """Added to every variance, in squared units of the points, so that a constant pixel does not end the fit."""

    def cluster(self, points: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
        """Labels `(n,)` of points `(n, d)`; the fit is in float64."""
        from sklearn.mixture import GaussianMixture as Estimator

        estimator = Estimator(
            clusters,
            covariance_type=self.covariance,
            n_init=self.n_init,
            max_iter=self.max_iter,
            reg_covar=self.floor,
            random_state=seed,
        )
        with _warnings_to_log("gmm"):
            return np.asarray(estimator.fit_predict(points.astype(np.float64)), dtype=np.int64)


def _refuse_many(name: str, samples: int, limit: int) -> None:
    if samples > limit:
        gigabytes = BYTES_PER_PAIR * samples**2 / 1e9
        what = f"{samples} samples, above max_samples = {limit} (all pairs take {gigabytes:.1f} GB)"
        fix = f'Where memory allows, write {{ use = "{name}", max_samples = {samples} }}; or take it out of the list'
        raise LatentclustError.at(f"evaluate.baselines.{name}", what, fix)


@contextmanager
def _warnings_to_log(name: str) -> Iterator[None]:
    """Sends an estimator's warnings, such as one of slow convergence, to the log in place of the terminal."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        log.info("%s: %s", name, warning.message)
