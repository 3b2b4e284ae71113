"""How each class fares: intersection over union and recall of the pixels of its matched cluster."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentclust.evaluate.match import UNMATCHED


@dataclass(frozen=True, slots=True)
class ClassScores:
    """Of each class, `(classes,)`.

    Attributes:
        pixels: Those of the ground truth.
        cluster: The matched cluster, 0-based, -1 for none.
        iou: Pixels shared with that cluster over those of either; 0 without one, NaN of a class without pixels.
        recall: Pixels shared over those of the class; 0 without one, NaN of a class without pixels.
    """

    pixels: NDArray[np.int64]
    cluster: NDArray[np.int64]
    iou: NDArray[np.float64]
    recall: NDArray[np.float64]


def class_scores(table: NDArray[np.int64], matching: NDArray[np.int64]) -> ClassScores:
    """The scores of each class of `table[cluster, class]` under a matching `(clusters,)`."""
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
