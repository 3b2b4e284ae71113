"""Subsets of a data set, read from it when needed."""

from dataclasses import replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from latentclust.specs.data import ImageSet, ImageSource, MaskSource


def spread_indices(count: int, most: int) -> NDArray[np.int64]:
    """Return at most `most` of `count` indices, evenly spread and ascending."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def subset(data: ImageSet, indices: NDArray[np.int64]) -> ImageSet:
    """Return the images at `indices` with their masks and labels. The labels stay sealed."""
    return replace(
        data,
        source=SubsetSource(data.source, indices),
        features=None if data.features is None else SubsetSource(data.features, indices),
        labels=None if data.labels is None else data.labels.part(indices),
        valid=None if data.valid is None else SubsetMasks(data.valid, indices),
    )


@final
class SubsetSource(ImageSource):
    """A source of some samples of another source."""

    def __init__(self, source: ImageSource, indices: NDArray[np.int64]) -> None:
        """Select the samples at `indices` of `source`, in this order."""
        self.shape, self.dtype, self.preprocessed = source.shape, source.dtype, source.preprocessed
        self._source, self._indices = source, indices

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._indices)

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return samples by their position in the subset."""
        return self._source.read(self._indices[indices])


@final
class SubsetMasks(MaskSource):
    """The masks of some samples of another source."""

    def __init__(self, masks: MaskSource, indices: NDArray[np.int64]) -> None:
        """Select the masks at `indices` of `masks`, in this order."""
        self.reads_labels = masks.reads_labels
        self._masks, self._indices = masks, indices

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return masks by their position in the subset."""
        return self._masks.read(self._indices[indices])
