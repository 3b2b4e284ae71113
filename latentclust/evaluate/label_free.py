"""Scores of a clustering without labels: agreement with another clustering, and silhouettes."""

import numpy as np
from numpy.typing import NDArray

MAX_SILHOUETTE = 2000
"""Maximum number of points of a silhouette, whose distances of all pairs are computed."""

Labels = NDArray[np.int64]


def agreement(one: Labels, other: Labels) -> dict[str, float]:
    """Return `ari` and `nmi` (arithmetic mean) of two clusterings of the same samples, `(n,)` each."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    return {
        "ari": float(adjusted_rand_score(one, other)),
        "nmi": float(normalized_mutual_info_score(one, other)),
    }


def silhouette(points: NDArray[np.float32], labels: Labels) -> float | None:
    """Return the mean silhouette, in [-1, 1], of points `(n, d)` by Euclidean distance. Rousseeuw 1987.

    Of more than `MAX_SILHOUETTE` points, a random part is scored. None if it lies in one cluster, or each point in its
    own.
    """
    from sklearn.metrics import silhouette_score

    shown = draw(len(points), MAX_SILHOUETTE)
    points, labels = points[shown], labels[shown]
    used = len(np.unique(labels))
    return float(silhouette_score(points, labels)) if 1 < used < len(labels) else None


def draw(count: int, most: int) -> NDArray[np.int64]:
    """Return at most `most` of `count` indices, ascending: the same ones for every run, whatever its seed."""
    return np.sort(np.random.default_rng(0).permutation(count)[:most])
