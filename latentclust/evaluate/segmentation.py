"""Contingency tables of label maps, counted batch by batch, so that memory does not grow with the number of pixels."""

from collections.abc import Mapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from latentclust.errors import LatentclustError
from latentclust.evaluate.clustering import ClusteringScores, scores_from_table
from latentclust.evaluate.contingency import check_range
from latentclust.specs.data import VOID, SealedMaps
from latentclust.specs.evaluation import MetricSpec

LabelMaps = NDArray[np.integer[Any]]
"""Clusters or classes of pixels `(m, h, w)`, 0-based; `VOID` for pixels without one."""

MAJORITY = "majority"
"""Name of the baseline with all pixels in one cluster, which is the floor of every metric."""


def accumulate(
    table: NDArray[np.int64], predicted: LabelMaps, maps: SealedMaps, indices: NDArray[np.int64], *, grows: bool = False
) -> NDArray[np.int64]:
    """Return `table[cluster, class]` with the pixels of some images added. A pixel that is `VOID` adds nothing.

    Args:
        table: Counts so far, `(clusters, classes)`. Changed in place unless it grows.
        predicted: Clusters of the images' pixels, `VOID` for nodata pixels.
        maps: Sealed classes of the whole data set.
        indices: Positions of the images in the data set, `(m,)`.
        grows: Whether a class beyond the last column adds columns, for an unknown number of classes.

    Raises:
        LatentclustError: If the maps differ in size, or a cluster or label lies outside its range.
    """
    truth = maps.unseal(indices)
    if truth.shape != predicted.shape:
        what = f"label maps of shape {truth.shape} for predictions of shape {predicted.shape}"
        raise LatentclustError.at("labels", what, "Provide for each image a label map of its size")
    clusters = len(table)
    missing = int(truth.max(initial=VOID)) + 1 - table.shape[1]
    if grows and missing > 0:
        table = np.pad(table, ((0, 0), (0, missing)))
    check_range("predicted clusters", predicted, VOID, clusters)
    check_range("labels", truth, VOID, table.shape[1])
    table += joint_counts(predicted, truth, *table.shape)
    return table


def joint_counts(one: LabelMaps, other: LabelMaps, rows: int, columns: int) -> NDArray[np.int64]:
    """Return the number of pixels with each pair of labels, `(rows, columns)`. `VOID` in either is not counted.

    Args:
        one: Labels from `VOID` to `rows` - 1.
        other: Labels of the same pixels, from `VOID` to `columns` - 1.
        rows: Number of labels of `one`.
        columns: Number of labels of `other`.
    """
    # VOID gets a row and a column of its own until the end: removing its pixels first takes twice as long.
    cells = np.multiply(one, columns + 1, dtype=np.intp)
    cells += other
    cells += columns + 2
    counts = np.bincount(cells.ravel(), minlength=(rows + 1) * (columns + 1)).reshape(rows + 1, columns + 1)
    return counts[1:, 1:].astype(np.int64)


def majority_table(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the table `(1, classes)` of all pixels of `table[cluster, class]` in one cluster."""
    every: NDArray[np.int64] = table.sum(axis=0, keepdims=True)
    return every


def maps_for_figures(maps: SealedMaps, indices: NDArray[np.int64]) -> NDArray[np.int16]:
    """Return the label maps `(m, h, w)` of some images, to be drawn; they score and select nothing."""
    return maps.unseal(indices)


@final
class ContingencyCounter:
    """A running count of label maps: pixels in each cluster, and the contingency table if there is ground truth."""

    def __init__(self, clusters: int, maps: SealedMaps | None, classes: int | None = None) -> None:
        """Start with zero counts. If `classes` is None, the labels that are read set the number of classes."""
        self.occupancy = np.zeros(clusters, dtype=np.int64)
        self.table = None if maps is None else np.zeros((clusters, classes or 1), dtype=np.int64)
        self._maps, self._grows = maps, classes is None

    def add(self, predicted: LabelMaps, indices: NDArray[np.int64]) -> None:
        """Count the pixels of some images. Raise LatentclustError for the same reasons as `accumulate`."""
        clusters = len(self.occupancy)
        check_range("predicted clusters", predicted, VOID, clusters)
        self.occupancy += np.bincount(np.add(predicted, 1, dtype=np.intp).ravel(), minlength=clusters + 1)[1:]
        if self.table is not None and self._maps is not None:
            self.table = accumulate(self.table, predicted, self._maps, indices, grows=self._grows)

    def scores(self, metrics: Mapping[str, MetricSpec]) -> ClusteringScores:
        """Return the scores of the pixels counted so far. Without ground truth they contain the occupancy alone."""
        return scores_from_table(self.occupancy, self.table, metrics)
