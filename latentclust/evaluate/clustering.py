"""Scores of a clustering."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentclust.evaluate.contingency import contingency, occupancy
from latentclust.evaluate.match import hungarian
from latentclust.specs.data import SealedLabels, SealedMaps
from latentclust.specs.parts import MetricSpec


@dataclass(frozen=True, slots=True)
class ClusteringScores:
    """What is known of a clustering; without ground truth, only its occupancy.

    Attributes:
        occupancy: Samples in each cluster, `(k,)`.
        table: Counts `[cluster, class]` of the labelled samples, or None.
        matching: The class of each cluster, `(k,)`, -1 where it stands for none, or None.
        metrics: Scores by the metric's name, or None.
    """

    occupancy: NDArray[np.int64]
    table: NDArray[np.int64] | None = None
    matching: NDArray[np.int64] | None = None
    metrics: Mapping[str, float] | None = None


def score_table(table: NDArray[np.int64], metrics: Mapping[str, MetricSpec]) -> dict[str, float]:
    """Each metric of `table[cluster, class]`, by name; `table` counts at least one sample."""
    return {name: float(metric(table)) for name, metric in metrics.items()}


def scores_from_table(
    occupancy: NDArray[np.int64], table: NDArray[np.int64] | None, metrics: Mapping[str, MetricSpec]
) -> ClusteringScores:
    """What is known of clusters `(k,)` and their `table[cluster, class]`; no score where nothing is in the table."""
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
    """Everything that the ground truth says of predicted clusters `(n,)`; no metric is made up where it says nothing.

    Args:
        predicted: Clusters, 0-based.
        labels: Sealed classes; None, label maps, or all of them void, for a set without ground truth of whole images.
        clusters: K, as asked for, whether or not each was used.
        metrics: The metrics, by the names that they are reported under.
        classes: How many there are; the highest label plus one where None.

    Raises:
        LatentclustError: Predictions and labels do not fit one another.
    """
    counts = occupancy(predicted, clusters)
    if not isinstance(labels, SealedLabels):
        return ClusteringScores(counts)
    return scores_from_table(counts, contingency(predicted, labels, clusters, classes), metrics)
