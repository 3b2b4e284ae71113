"""A part of a data set, read from the whole when it is asked for."""

from dataclasses import replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from latentclust.specs.data import ImageSet, ImageSource, MaskSource


def spread_indices(count: int, most: int) -> NDArray[np.int64]:
    """At most `most` of `count` indices, evenly spread and ascending."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def subset(data: ImageSet, indices: NDArray[np.int64]) -> ImageSet:
    """Some images of a data set with their labels, sealed as before, and their masks."""
    return replace(
        data,
        source=SubsetSource(data.source, indices),
        labels=None if data.labels is None else data.labels.part(indices),
        valid=None if data.valid is None else SubsetMasks(data.valid, indices),
    )


@final
class SubsetSource(ImageSource):
    """Some samples of a source."""

    def __init__(self, whole: ImageSource, indices: NDArray[np.int64]) -> None:
        """Those of `indices`, in this order."""
        self.shape, self.dtype = whole.shape, whole.dtype
        self._whole, self._indices = whole, indices

    def __len__(self) -> int:
        """How many there are."""
        return len(self._indices)

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """The samples, by their place in the part."""
        return self._whole.read(self._indices[indices])


@final
class SubsetMasks(MaskSource):
    """The masks of some samples."""

    def __init__(self, whole: MaskSource, indices: NDArray[np.int64]) -> None:
        """Those of `indices`, in this order."""
        self.reads_labels = whole.reads_labels
        self._whole, self._indices = whole, indices

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        """The masks, by their place in the part."""
        return self._whole.read(self._indices[indices])
