"""Label maps counted chunk by chunk in one exact table, whatever the number of pixels."""

from collections.abc import Mapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from latentclust.errors import LatentclustError
from latentclust.evaluate.clustering import ClusteringScores, scores_from_table
from latentclust.specs.data import VOID, SealedMaps
from latentclust.specs.parts import MetricSpec

LabelMaps = NDArray[np.integer[Any]]
"""Clusters or classes of pixels `(m, h, w)`, 0-based, `VOID` where there is none."""

MAJORITY = "majority"
"""What the floor of every metric is called: all pixels in one cluster."""


def accumulate(
    table: NDArray[np.int64], predicted: LabelMaps, maps: SealedMaps, indices: NDArray[np.int64], *, grows: bool = False
) -> NDArray[np.int64]:
    """`table[cluster, class]` with the pixels of some images added; one without a cluster or a class adds nothing.

    Args:
        table: Counts so far, `(clusters, classes)`; changed in place unless it grows.
        predicted: Clusters of the images' pixels, `VOID` where a pixel is no data.
        maps: Sealed classes of the whole set.
        indices: Which images these are, `(m,)`.
        grows: Whether a class beyond the columns brings new ones, where their number is not known.

    Raises:
        LatentclustError: Maps of other sizes, or a cluster or a label outside its range.
    """
    truth = maps.unseal(indices)
    if truth.shape != predicted.shape:
        what = f"label maps of shape {truth.shape} for predictions of shape {predicted.shape}"
        raise LatentclustError.at("labels", what, "Give each image a label map of its own size")
    clusters = len(table)
    missing = int(truth.max(initial=VOID)) + 1 - table.shape[1]
    if grows and missing > 0:
        table = np.pad(table, ((0, 0), (0, missing)))
    _refuse_outside("predicted clusters", predicted, clusters)
    _refuse_outside("labels", truth, table.shape[1])
    table += joint_counts(predicted, truth, *table.shape)
    return table


def joint_counts(one: LabelMaps, other: LabelMaps, rows: int, columns: int) -> NDArray[np.int64]:
    """How many pixels bear each pair of labels, `(rows, columns)`; a pixel that is `VOID` in either is not counted.

    Args:
        one: Labels from `VOID` to `rows` - 1.
        other: Of the same pixels, from `VOID` to `columns` - 1.
        rows: Labels of `one`.
        columns: Labels of `other`.
    """
    # VOID has a row and a column of its own until the end: leaving pixels out beforehand would take twice as long.
    cells = np.multiply(one, columns + 1, dtype=np.intp)
    cells += other
    cells += columns + 2
    counts = np.bincount(cells.ravel(), minlength=(rows + 1) * (columns + 1)).reshape(rows + 1, columns + 1)
    return counts[1:, 1:].astype(np.int64)


def majority_table(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """The table of all pixels of `table[cluster, class]` in one cluster, `(1, classes)`: the floor of every metric."""
    every: NDArray[np.int64] = table.sum(axis=0, keepdims=True)
    return every


def maps_for_figures(maps: SealedMaps, indices: NDArray[np.int64]) -> NDArray[np.int16]:
    """The label maps `(m, h, w)` of some images, to be shown; nothing is scored or chosen with them."""
    return maps.unseal(indices)


@final
class ContingencyCounter:
    """What is known of label maps so far: pixels in each cluster, and the table where there is ground truth."""

    def __init__(self, clusters: int, maps: SealedMaps | None, classes: int | None = None) -> None:
        """Begins with nothing counted; where the number of classes is None, the labels met tell it."""
        self.occupancy = np.zeros(clusters, dtype=np.int64)
        self.table = None if maps is None else np.zeros((clusters, classes or 1), dtype=np.int64)
        self._maps, self._grows = maps, classes is None

    def add(self, predicted: LabelMaps, indices: NDArray[np.int64]) -> None:
        """Counts the pixels of some images; raises LatentclustError as `accumulate`."""
        clusters = len(self.occupancy)
        _refuse_outside("predicted clusters", predicted, clusters)
        self.occupancy += np.bincount(np.add(predicted, 1, dtype=np.intp).ravel(), minlength=clusters + 1)[1:]
        if self.table is not None and self._maps is not None:
            self.table = accumulate(self.table, predicted, self._maps, indices, grows=self._grows)

    def scores(self, metrics: Mapping[str, MetricSpec]) -> ClusteringScores:
        """Everything that the ground truth says of the pixels counted; occupancy alone where it says nothing."""
        return scores_from_table(self.occupancy, self.table, metrics)


def _refuse_outside(where: str, values: LabelMaps, count: int) -> None:
    """Raises where a value is below `VOID` or not below `count`."""
    least, most = int(values.min(initial=VOID)), int(values.max(initial=VOID))
    if least < VOID or most >= count:
        bad = least if least < VOID else most
        fix = f"Number them from 0 to {count - 1}, and {VOID} for none"
        raise LatentclustError.at(where, f"{bad} is outside the {count} expected", fix)
