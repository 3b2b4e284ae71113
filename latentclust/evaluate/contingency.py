"""Contingency tables: how many samples of each class fell into each cluster."""

import numpy as np
from numpy.typing import NDArray

from latentclust.errors import LatentclustError
from latentclust.specs.data import VOID, SealedLabels, SealedMaps

MAPS_AT_ONCE = 64
"""Label maps that are in memory while those of a whole set are counted."""


def contingency(
    predicted: NDArray[np.int64], labels: SealedLabels, clusters: int, classes: int | None = None
) -> NDArray[np.int64]:
    """Counts `table[cluster, class]`, `(clusters, classes)`; the tables of a stream's chunks add up to the whole's.

    Args:
        predicted: Clusters `(n,)`, 0-based.
        labels: Sealed classes of the same samples, 0-based, or `VOID`.
        clusters: Rows, K; a cluster that no sample fell into keeps its row of zeros.
        classes: Columns; the highest label plus one where None, which the chunks of a stream must not leave open.

    Raises:
        LatentclustError: Lengths differ, or a cluster or a label lies outside its range.
    """
    truth = labels.unseal()
    if truth.shape != predicted.shape:
        what = f"{truth.size} labels for {predicted.size} predictions"
        raise LatentclustError.at("labels", what, "Give one label, or -1, to each sample")
    columns = max(int(truth.max(initial=VOID)) + 1, 1) if classes is None else classes
    _refuse_outside("predicted clusters", predicted, 0, clusters)
    _refuse_outside("labels", truth, VOID, columns)
    known = truth != VOID
    cells = predicted[known] * columns + truth[known]
    return np.bincount(cells, minlength=clusters * columns).reshape(clusters, columns).astype(np.int64)


def occupancy(predicted: NDArray[np.int64], clusters: int) -> NDArray[np.int64]:
    """Samples in each cluster, `(clusters,)`, those without a label included.

    Raises:
        LatentclustError: A cluster lies outside 0..clusters-1.
    """
    _refuse_outside("predicted clusters", predicted, 0, clusters)
    return np.bincount(predicted, minlength=clusters).astype(np.int64)


def class_counts(labels: SealedLabels, classes: int | None = None) -> NDArray[np.int64]:
    """Samples of each class, `(classes,)`, those without a label left out; for telling about a data set.

    Args:
        labels: Sealed classes, 0-based, or `VOID`.
        classes: How many there are; the highest label plus one where None.

    Raises:
        LatentclustError: A label lies outside its range.
    """
    truth = labels.unseal()
    columns = max(int(truth.max(initial=VOID)) + 1, 1) if classes is None else classes
    return occupancy(truth[truth != VOID], columns)


def pixel_counts(maps: SealedMaps, images: int, classes: int) -> NDArray[np.int64]:
    """Pixels of each class, `(classes,)`, in the maps of a number of images, read a few at a time; void is left out.

    Raises:
        LatentclustError: A label lies outside its range.
    """
    counts = np.zeros(classes, np.int64)
    for start in range(0, images, MAPS_AT_ONCE):
        truth = maps.unseal(np.arange(start, min(start + MAPS_AT_ONCE, images)))
        counts += class_counts(SealedLabels(truth.ravel().astype(np.int64)), classes)
    return counts


def classes_for_figures(labels: SealedLabels, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """The classes `(len(indices),)` of some samples, to colour a figure by; nothing is scored or chosen with them."""
    return labels.unseal()[indices]


def _refuse_outside(where: str, values: NDArray[np.int64], low: int, count: int) -> None:
    """Raises where a value is below `low` or not below `count`."""
    if values.size == 0:
        return
    least, most = int(values.min()), int(values.max())
    if least < low or most >= count:
        bad = least if least < low else most
        fix = f"Number them from 0 to {count - 1}" + (f", and {VOID} for none" if low == VOID else "")
        raise LatentclustError.at(where, f"{bad} is outside the {count} expected", fix)
