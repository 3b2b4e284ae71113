"""Scores of a clustering, in total and by class."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentclust.evaluate.contingency import contingency, occupancy
from latentclust.evaluate.match import UNMATCHED, hungarian
from latentclust.specs.data import SealedLabels, SealedMaps
from latentclust.specs.evaluation import MetricSpec


@dataclass(frozen=True, slots=True)
class ClusteringScores:
    """The scores of a clustering. Without ground truth only the occupancy is known.

    Attributes:
        occupancy: Number of samples or pixels in each cluster, `(k,)`.
        table: Counts `[cluster, class]` of the labelled samples or pixels. None without ground truth.
        matching: Class of each cluster, `(k,)`, -1 if the cluster is unmatched. None without ground truth.
        metrics: Scores by the metric's name. None without ground truth.
    """

    occupancy: NDArray[np.int64]
    table: NDArray[np.int64] | None = None
    matching: NDArray[np.int64] | None = None
    metrics: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class ClassScores:
    """The scores of each class under a one-to-one matching; every array is `(classes,)`.

    Attributes:
        pixels: Number of pixels of the class in the ground truth.
        cluster: Matched cluster, 0-based, or -1 for an unmatched class.
        iou: Intersection over union |class and cluster| / |class or cluster|, in [0, 1]. It is 0 for an unmatched class
            and NaN for a class without pixels.
        recall: |class and cluster| / |class|, in [0, 1]. It is 0 for an unmatched class and NaN for a class without
            pixels.
    """

    pixels: NDArray[np.int64]
    cluster: NDArray[np.int64]
    iou: NDArray[np.float64]
    recall: NDArray[np.float64]


def score_table(table: NDArray[np.int64], metrics: Mapping[str, MetricSpec]) -> dict[str, float]:
    """Return the value of each metric by name; `table[cluster, class]` must count at least one sample."""
    return {name: float(metric(table)) for name, metric in metrics.items()}


def scores_from_table(
    occupancy: NDArray[np.int64], table: NDArray[np.int64] | None, metrics: Mapping[str, MetricSpec]
) -> ClusteringScores:
    """Return the scores of clusters `(k,)` with `table[cluster, class]`. An empty table gives no metrics."""
    if table is None or table.sum() == 0:
        return ClusteringScores(occupancy)
    return ClusteringScores(occupancy, table, hungarian(table), score_table(table, metrics))


def score_clustering(
    predicted: NDArray[np.int64],
    labels: SealedLabels | SealedMaps | None,
    clusters: int,
    metrics: Mapping[str, MetricSpec],
    classes: int | None = None,
) -> ClusteringScores:
    """Score predicted clusters `(n,)` against the ground truth. Without usable labels there are no metrics.

    Args:
        predicted: Clusters, 0-based.
        labels: Sealed classes, one per sample. With None, label maps, or void labels alone only the occupancy is
            returned.
        clusters: Requested number of clusters K; some may be empty.
        metrics: Metrics by the names that they are reported under.
        classes: Number of classes. None means the highest label plus one.

    Raises:
        LatentclustError: If predictions and labels differ in length or lie outside their range.
    """
    counts = occupancy(predicted, clusters)
    if not isinstance(labels, SealedLabels):
        return ClusteringScores(counts)
    return scores_from_table(counts, contingency(predicted, labels, clusters, classes), metrics)


def class_scores(table: NDArray[np.int64], matching: NDArray[np.int64]) -> ClassScores:
    """Return the scores of each class of `table[cluster, class]` under a matching `(clusters,)`."""
    pixels, cluster = table.sum(axis=0), np.full(table.shape[1], UNMATCHED, dtype=np.int64)
    rows = np.flatnonzero(matching != UNMATCHED)
    cluster[matching[rows]] = rows
    shared, predicted = np.zeros(len(pixels)), np.zeros(len(pixels))
    shared[matching[rows]] = table[rows, matching[rows]]
    predicted[matching[rows]] = table[rows].sum(axis=1)
    with np.errstate(invalid="ignore"):
        iou, recall = shared / (pixels + predicted - shared), shared / pixels
    absent = pixels == 0
    iou[absent], recall[absent] = np.nan, np.nan
    return ClassScores(pixels, cluster, iou, recall)
