"""Contingency tables: the number of samples by cluster and class."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.errors import LatentclustError
from latentclust.specs.data import VOID, SealedLabels, SealedMaps

MAPS_AT_ONCE = 64
"""Number of label maps in memory while the pixels of a data set are counted."""


def contingency(
    predicted: NDArray[np.int64], labels: SealedLabels, clusters: int, classes: int | None = None
) -> NDArray[np.int64]:
    """Return the counts `table[cluster, class]`, `(clusters, classes)`. Tables of chunks add up to that of the whole.

    Args:
        predicted: Clusters `(n,)`, 0-based.
        labels: Sealed classes of the same samples, 0-based, or `VOID`.
        clusters: Number of rows K. An empty cluster keeps its row of zeros.
        classes: Number of columns. None means the highest label plus one; chunks of a stream need a number.

    Raises:
        LatentclustError: If the lengths differ, or a cluster or label lies outside its range.
    """
    truth = labels.unseal()
    if truth.shape != predicted.shape:
        what = f"expected {predicted.size} labels, one per prediction, got {truth.size}"
        raise LatentclustError.at("labels", what, "Provide one label per sample, -1 for none")
    columns = max(int(truth.max(initial=VOID)) + 1, 1) if classes is None else classes
    check_range("predicted clusters", predicted, 0, clusters)
    check_range("labels", truth, VOID, columns)
    known = truth != VOID
    cells = predicted[known] * columns + truth[known]
    return np.bincount(cells, minlength=clusters * columns).reshape(clusters, columns).astype(np.int64)


def occupancy(predicted: NDArray[np.int64], clusters: int) -> NDArray[np.int64]:
    """Return the number of samples in each cluster, `(clusters,)`, including samples without a label.

    Raises:
        LatentclustError: If a cluster lies outside 0..clusters-1.
    """
    check_range("predicted clusters", predicted, 0, clusters)
    return np.bincount(predicted, minlength=clusters).astype(np.int64)


def class_counts(labels: SealedLabels, classes: int | None = None) -> NDArray[np.int64]:
    """Return the number of samples of each class, `(classes,)`, without `VOID`. It is for describing a data set.

    Args:
        labels: Sealed classes, 0-based, or `VOID`.
        classes: Number of classes. None means the highest label plus one.

    Raises:
        LatentclustError: If a label lies outside its range.
    """
    truth = labels.unseal()
    columns = max(int(truth.max(initial=VOID)) + 1, 1) if classes is None else classes
    return occupancy(truth[truth != VOID], columns)


def pixel_counts(maps: SealedMaps, images: int, classes: int) -> NDArray[np.int64]:
    """Return the number of pixels of each class, `(classes,)`, without `VOID`, reading a few maps at a time.

    Args:
        maps: Sealed label maps of the data set.
        images: Number of maps.
        classes: Number of classes.

    Raises:
        LatentclustError: If a label lies outside its range.
    """
    counts = np.zeros(classes, np.int64)
    for start in range(0, images, MAPS_AT_ONCE):
        truth = maps.unseal(np.arange(start, min(start + MAPS_AT_ONCE, images)))
        counts += class_counts(SealedLabels(truth.ravel().astype(np.int64)), classes)
    return counts


def classes_for_figures(labels: SealedLabels, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the classes `(len(indices),)` of samples, to colour a figure by; they score and select nothing."""
    return labels.unseal()[indices]


def check_range(where: str, values: NDArray[np.integer[Any]], low: int, count: int) -> None:
    """Raise LatentclustError if a value is below `low` or not below `count`; `where` names the values."""
    if values.size == 0:
        return
    least, most = int(values.min()), int(values.max())
    if least < low or most >= count:
        bad = least if least < low else most
        fix = f"Number them from 0 to {count - 1}" + (f", and use {VOID} for none" if low == VOID else "")
        raise LatentclustError.at(where, f"{bad} is outside the range 0 to {count - 1}", fix)
