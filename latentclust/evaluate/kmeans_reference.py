"""k-means of points beside k-means of points without clusters: gap statistic, silhouette and stability."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentclust.evaluate.label_free import Labels, silhouette

REFERENCES = 10
"""Number of reference sets. Tibshirani et al. 2001 use 10 or more."""

SEED_LIMIT = 2**32
"""Seeds of scikit-learn are below this."""

STARTS = 3
"""Number of starts of a k-means, of which the best is taken."""

Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class KMeansScores:
    """Scores of k-means with one number of clusters.

    Attributes:
        gap: Gap statistic in nats: mean logarithm of the sum of squares within clusters of the references, minus that
            of the points.
        gap_error: Its standard error s, which includes that of the number of references.
        silhouette: Mean silhouette of the points, in [-1, 1]. None if it is not defined.
        stability: Mean ARI of two k-means of overlapping parts of the points, on the points of both.
        chance: The same of the references, which have no clusters.
    """

    gap: float
    gap_error: float
    silhouette: float | None
    stability: float
    chance: float


def score_kmeans(points: Points, clusters: int, part: float, seed: int, references: int = REFERENCES) -> KMeansScores:
    """Score k-means of points `(n, d)`.

    The references are uniform in the smallest box around the points along their principal axes (Tibshirani, Walther and
    Hastie, JRSS B 63, 2001, section 4, variant b).

    Args:
        points: Points `(n, d)`.
        clusters: Number of clusters K, at most the number of points in a part.
        part: Part of the points that each of two k-means reads, in (0, 1).
        seed: Random seed of the references, the parts and k-means.
        references: Number of reference sets, and of pairs of parts of each kind.
    """
    rng = np.random.default_rng((seed, clusters))
    rotated = _principal(points)
    own, labels = _fit(rotated, clusters, seed)
    low, high = rotated.min(axis=0), rotated.max(axis=0)
    logs, chances = [], []
    for _ in range(references):
        reference = rng.uniform(low, high, rotated.shape).astype(np.float32)
        logs.append(_log(_fit(reference, clusters, seed)[0]))
        chances.append(_stability(reference, clusters, part, rng))
    error = float(np.std(logs) * np.sqrt(1 + 1 / references))
    stability = np.mean([_stability(rotated, clusters, part, rng) for _ in range(references)])
    gap = float(np.mean(logs)) - _log(own)
    return KMeansScores(gap, error, silhouette(rotated, labels), float(stability), float(np.mean(chances)))


def choose_by_gap(clusters: Sequence[int], gaps: Sequence[float], errors: Sequence[float]) -> int | None:
    """Return the first number of clusters whose gap is at least the next one less its standard error.

    None if there is no such number: the gap still grows at the end.

    Args:
        clusters: Numbers of clusters, ascending.
        gaps: Gap of each.
        errors: Standard error of each.
    """
    for at in range(len(clusters) - 1):
        if gaps[at] >= gaps[at + 1] - errors[at + 1]:
            return clusters[at]
    return None


def _principal(points: Points) -> Points:
    """Return points along their principal axes; distances do not change."""
    centred = points.astype(np.float64) - points.mean(axis=0, dtype=np.float64)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    rotated: Points = (centred @ axes.T).astype(np.float32)
    return rotated


def _fit(points: Points, clusters: int, seed: int) -> tuple[float, Labels]:
    """Return the sum of squares within the clusters, and the clusters `(n,)`."""
    from sklearn.cluster import KMeans

    estimator = KMeans(clusters, n_init=STARTS, random_state=_state(seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of points that coincide, whose clusters are fewer
        labels = estimator.fit_predict(points)
    return float(estimator.inertia_), np.asarray(labels, np.int64)


def _state(seed: int) -> int:
    """Return a seed for scikit-learn, whose seeds have 32 bits. Smaller ones stay."""
    return seed if seed < SEED_LIMIT else int(np.random.SeedSequence(seed).generate_state(1)[0])


def _stability(points: Points, clusters: int, part: float, rng: np.random.Generator) -> float:
    from sklearn.metrics import adjusted_rand_score

    count = round(part * len(points))
    one, other = (np.sort(rng.permutation(len(points))[:count]) for _ in range(2))
    found = []
    for chosen in (one, other):
        labels = np.full(len(points), -1, np.int64)
        labels[chosen] = _fit(points[chosen], clusters, int(rng.integers(2**31)))[1]
        found.append(labels)
    common = (found[0] >= 0) & (found[1] >= 0)
    return float(adjusted_rand_score(found[0][common], found[1][common]))


def _log(value: float) -> float:
    return float(np.log(max(value, np.finfo(np.float64).tiny)))
