"""The label map of a whole scene, read by window, so that its probabilities are never whole in memory."""

import numpy as np
from numpy.typing import NDArray

from latentclust.model import ClusteringModel
from latentclust.samples import VOID
from latentclust.sources import ArraySource

WINDOW = 512
"""Side of a window's part that is kept, pixels."""

MARGIN = 64
"""What is read around it, pixels, so that the kept part has its surroundings."""


def scene_labels(
    model: ClusteringModel, image: NDArray[np.uint8], valid: NDArray[np.bool_], seed: int
) -> NDArray[np.int64]:
    """Clusters `(h, w)` of a scene `(c, h, w)`, 0-based, `VOID` where it is not valid.

    Windows without data are not read.

    Raises:
        LatentclustError: where the scene has other channels than the model reads.
    """
    height, width = valid.shape
    labels = np.full((height, width), VOID, dtype=np.int64)
    for top in range(0, height, WINDOW):
        for left in range(0, width, WINDOW):
            kept = slice(top, min(top + WINDOW, height)), slice(left, min(left + WINDOW, width))
            if valid[kept].any():
                labels[kept] = _window(model, image, kept, seed)
    labels[~valid] = VOID
    return labels


def _window(
    model: ClusteringModel, image: NDArray[np.uint8], kept: tuple[slice, slice], seed: int
) -> NDArray[np.int64]:
    """The clusters of a part of a scene, read with its margin."""
    rows, columns = kept
    top, left = max(rows.start - MARGIN, 0), max(columns.start - MARGIN, 0)
    read = image[:, top : rows.stop + MARGIN, left : columns.stop + MARGIN]
    found = model.predict(ArraySource(np.ascontiguousarray(read[None])), 1, seed).labels[0].numpy()
    inner: NDArray[np.int64] = found[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return inner
