"""k-means of directions (Dhillon and Modha 2001), for comparison with every result."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt
from scipy.sparse import csr_array

from latentclust.api import BaselineSpec, LatentclustError


class SphericalKMeans(BaselineSpec):
    """k-means by cosine similarity: centres of length 1, best of `n_init` by the sum of similarities.

    Points are scaled to length 1, assigned to the centre of largest cosine similarity, and each centre becomes the mean
    of its points, scaled to length 1 again (Dhillon and Modha 2001). k-means of points of length 1 is another method:
    its centres are shorter than 1, and shorter ones win fewer points. Centres begin with k-means++. A point at the
    origin has no direction, and is assigned to the first cluster.

    Example:
        ```toml
        [evaluate]
        baselines = [{ use = "spherical-kmeans", n_init = 20 }]
        ```
    """

    n_init: PositiveInt = 10
    """Number of initialisations."""

    max_iter: PositiveInt = 300
    """Largest number of iterations per initialisation."""

    max_samples: PositiveInt = 20_000
    """Largest number of points that the centres are fitted to, drawn evenly. Every point is assigned."""

    def cluster(self, points: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
        """Return the labels `(n,)` of points `(n, d)`.

        Raises:
            LatentclustError: If there are fewer points with a direction than clusters.
        """
        directed = np.any(points, axis=1)
        directions = _unit(points[directed])
        if len(directions) < clusters:
            what = f"cannot find {clusters} clusters in {len(directions)} points that are not at the origin"
            raise LatentclustError.at("evaluate.baselines.spherical-kmeans", what, "Remove it from the list")
        rng = np.random.RandomState(seed)
        fitted = directions[np.sort(rng.permutation(len(directions))[: self.max_samples])]
        best = max((self._run(fitted, clusters, rng) for _ in range(self.n_init)), key=lambda run: run.total)
        labels = np.zeros(len(points), dtype=np.int64)
        labels[directed] = _assign(directions, best.centres).labels
        return labels

    def _run(self, directions: NDArray[np.float32], clusters: int, rng: np.random.RandomState) -> "_Run":
        """Return the result of one initialisation. It ends when no label changes."""
        from sklearn.cluster import kmeans_plusplus

        run = _assign(directions, kmeans_plusplus(directions, clusters, random_state=rng)[0])
        for _ in range(self.max_iter):
            before, run = run, _assign(directions, _mean_directions(directions, run))
            if np.array_equal(before.labels, run.labels):
                break
        return run


@dataclass(frozen=True, slots=True)
class _Run:
    """Centres, and the points that are assigned to them.

    Attributes:
        centres: Centres of length 1, `(k, d)`.
        labels: Cluster of each point, `(n,)`.
        similarities: Cosine similarity of each point and its centre, `(n,)`.
    """

    centres: NDArray[np.float32]
    labels: NDArray[np.int64]
    similarities: NDArray[np.float32]

    @property
    def total(self) -> float:
        """Sum of the similarities, which an iteration does not decrease."""
        return float(self.similarities.sum(dtype=np.float64))


def _assign(directions: NDArray[np.float32], centres: NDArray[np.float32]) -> _Run:
    """Return the centre of largest similarity of each point."""
    similarities = directions @ centres.T
    return _Run(centres, similarities.argmax(axis=1), similarities.max(axis=1))


def _mean_directions(directions: NDArray[np.float32], run: _Run) -> NDArray[np.float32]:
    """Return the mean of each cluster's points with length 1. An empty cluster gets a point far from its centre."""
    count, clusters = len(directions), len(run.centres)
    members = csr_array((np.ones(count, np.float32), (run.labels, np.arange(count))), shape=(clusters, count))
    centres = np.asarray(members @ directions, dtype=np.float32)
    empty = np.flatnonzero(np.bincount(run.labels, minlength=clusters) == 0)
    centres[empty] = directions[np.argsort(run.similarities, kind="stable")[: len(empty)]]
    return _unit(centres)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors `(n, d)` with length 1. One at the origin stays there."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)
