"""The posterior as evidence about single samples and pairs of clusters: which clusters a model confuses."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int64
from numpy.typing import NDArray
from scipy.sparse import csr_array


@dataclass(frozen=True, slots=True)
class SampleClusters:
    """The two most probable clusters of each sample.

    Attributes:
        labels: Most probable cluster, `(n,)`, 0-based.
        confidence: Its probability, in (0, 1].
        second: Second most probable cluster; -1 for a single cluster.
        second_probability: Its probability, in [0, 1/2].
    """

    labels: NDArray[np.int64]
    confidence: NDArray[np.float32]
    second: NDArray[np.int64]
    second_probability: NDArray[np.float32]


def sample_clusters(probabilities: Float32[np.ndarray, "n k"], labels: Int64[np.ndarray, " n"]) -> SampleClusters:
    """Return the two most probable clusters of samples, of which `labels` are the most probable ones."""
    count, clusters = probabilities.shape
    rows = np.arange(count)
    if clusters == 1:
        none = np.full(count, -1, dtype=np.int64)
        return SampleClusters(labels, probabilities[:, 0], none, np.zeros(count, dtype=np.float32))
    others = probabilities.copy()
    others[rows, labels] = -1
    second = others.argmax(axis=1)
    return SampleClusters(labels, probabilities[rows, labels], second, probabilities[rows, second])


def confusion(probabilities: Float32[np.ndarray, "n k"], labels: Int64[np.ndarray, " n"]) -> Float[np.ndarray, "k k"]:
    """Return the mean probability `[cluster, other]` that the samples of a cluster give to each cluster.

    The rows sum to one. That of an empty cluster is zero.
    """
    count, clusters = probabilities.shape
    members = csr_array((np.ones(count, dtype=np.float32), (labels, np.arange(count))), shape=(clusters, count))
    sizes = np.bincount(labels, minlength=clusters)
    sums = np.asarray(members @ probabilities, dtype=np.float64)
    means: Float[np.ndarray, "k k"] = sums / np.maximum(sizes, 1)[:, None]
    return means
