"""The label map of a whole scene, read by windows as large as the images that the model was trained on."""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from latentclust.model.model import ClusteringModel
from latentclust.specs.data import VOID, ImageSource

MARGIN_SHARE = 8
"""A window's margin, which is read and not kept, is its side over this."""


def scene_labels(
    model: ClusteringModel, image: NDArray[np.uint8], valid: NDArray[np.bool_], seed: int
) -> NDArray[np.int64]:
    """Clusters `(h, w)` of a scene `(c, h, w)`, 0-based, `VOID` where it is not valid.

    Windows overlap, and those without data are not read. They are no larger than the training images: the layers of a
    generator may look otherwise with more, or with less, around them.

    Raises:
        LatentclustError: where the scene has other channels than the model reads.
    """
    size = min(model.raw_shape[1], valid.shape[0]), min(model.raw_shape[2], valid.shape[1])
    corners = [
        (top, left)
        for top in starts(valid.shape[0], size[0])
        for left in starts(valid.shape[1], size[1])
        if valid[top : top + size[0], left : left + size[1]].any()
    ]
    labels = np.full(valid.shape, VOID, dtype=np.int64)
    source = SceneWindows(image, corners, size)
    done = 0
    for posterior in model.posteriors(source, model.resolved.recipe.evaluate.batch_size, seed) if corners else ():
        for found, corner in zip(posterior.labels.numpy(), corners[done:], strict=False):
            (rows, kept_rows), (columns, kept_columns) = (
                kept(start, side, whole) for start, side, whole in zip(corner, size, valid.shape, strict=True)
            )
            labels[rows, columns] = found[kept_rows, kept_columns]
        done += len(posterior.probabilities)
    labels[~valid] = VOID
    return labels


def starts(whole: int, side: int) -> list[int]:
    """Where windows of `side` begin that cover `whole` pixels with their inner parts; the last ends where it ends."""
    step = max(1, side - 2 * (side // MARGIN_SHARE))
    return [*range(0, whole - side, step), whole - side]


def kept(start: int, side: int, whole: int) -> tuple[slice, slice]:
    """The inner part of a window, in the scene and in the window; at the scene's ends without a margin."""
    margin = side // MARGIN_SHARE
    first = margin if start > 0 else 0
    last = side - (margin if start + side < whole else 0)
    return slice(start + first, start + last), slice(first, last)


@final
class SceneWindows(ImageSource):
    """Windows of a scene as samples."""

    def __init__(self, image: NDArray[np.uint8], corners: list[tuple[int, int]], size: tuple[int, int]) -> None:
        """Those at upper left corners, of one size `(h, w)`, of a scene `(c, h, w)`."""
        self.shape, self.dtype = (len(image), *size), image.dtype
        self._image, self._corners = image, corners

    def __len__(self) -> int:
        """How many windows there are."""
        return len(self._corners)

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """The windows `(m, c, h, w)`."""
        _, height, width = self.shape
        found = (self._corners[index] for index in indices)
        return np.stack([self._image[:, top : top + height, left : left + width] for top, left in found])
