"""The data set of samples that Python passes."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt, PrivateAttr

from latentclust.data.array_reading import ArrayReading, Layout
from latentclust.data.scaling import row_chunks
from latentclust.data.sources import encode_labels, image_set, resized
from latentclust.errors import LatentclustError
from latentclust.specs.data import VOID, ImageSet, ImageSource, MapSource, SealedMaps
from latentclust.specs.parts import DatasetSpec

WHERE = "images"
"""Argument that messages name."""

_MOST_CLASSES = int(np.iinfo(np.int16).max)


@dataclass(frozen=True, slots=True, eq=False)
class GivenSamples:
    """Samples that Python passes, and their labels.

    Attributes:
        images: Vectors `(n, d)`, images `(n, h, w)`, `(n, c, h, w)` or `(n, h, w, c)`, or an opened data set.
        labels: Labels `(n,)`, or label maps `(n, h, w)` of integers. None if there are none, or if an opened data set
            has its own.
    """

    images: NDArray[Any] | ImageSet
    labels: NDArray[Any] | None = None


class Memory(DatasetSpec):
    """Vectors or images that Python passes: an array, a tensor, a table, or an opened data set, with labels or without.

    `latentclust.run(recipe, images=…)` sets these options. A model file contains them, so that new arrays are read
    alike, but not the samples.

    Example:
        ```toml
        [data]
        use = "memory"
        range = [0.0, 16.0]
        size = 16
        ```
    """

    summary: ClassVar[str] = "your own arrays in memory, which Python passes"
    licence: ClassVar[str] = "your own"
    layout: ClassVar[str] = "no file, but an array in `images` of latentclust.run"

    shape: tuple[PositiveInt, ...] | None = None
    """Shape of one sample, if each row is a flattened image."""

    layout_of_images: Layout | None = None
    """Position of the channels of images. Detected from the shape by default."""

    range: tuple[float, float] | None = None
    """Values that map to 0 and 1. `run` sets it to 0 and 1 if all values are within, otherwise to the smallest and the
    largest value; bytes always have 0 and 255 by default."""

    size: PositiveInt | None = None
    """Side in pixels of the square that images are resized to. None keeps their size."""

    _given: GivenSamples | None = PrivateAttr(None)

    def holding(self, given: GivenSamples) -> "Memory":
        """Return this data set with samples."""
        held = self.model_copy()
        held._given = given
        return held

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """Return None: the samples are not in a file."""
        return None

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Return the samples, scaled as the options say.

        Raises:
            LatentclustError: If there are none, because a command opens the data set of a run of Python.
        """
        if self._given is None:
            what = f"its samples were passed from Python and are not stored ({self.layout})"
            fix = "Pass them in Python: latentclust.run(recipe, images=…), or latentclust.resume(folder, images=…)"
            raise LatentclustError.at("data.use", what, fix)
        images, labels = self._given.images, self._given.labels
        if isinstance(images, ImageSet):
            return _labelled(_of_size(images, self.size), labels)
        reading = ArrayReading.of(self)
        source = reading.source(reading.shaped(images, WHERE), WHERE)
        return _labelled(image_set(source, None, (), WHERE), labels)


class EncodedMaps(MapSource):
    """Label maps of any integers, encoded when they are read.

    Args:
        maps: Maps `(n, h, w)`; -1 is void.
        values: Values of the classes, ascending.
    """

    def __init__(self, maps: NDArray[Any], values: NDArray[Any]) -> None:
        self._maps, self._values = maps, values

    def __len__(self) -> int:
        """Return the number of maps."""
        return len(self._maps)

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.int16]:
        """Return encoded maps `(len(indices), h, w)`."""
        maps = self._maps[indices]
        codes = np.searchsorted(self._values, maps).astype(np.int16)
        codes[maps == VOID] = VOID
        return codes


class ResizedSource(ImageSource):
    """Images of a source, resized when they are read.

    Args:
        source: The images.
        size: Side in pixels.
    """

    def __init__(self, source: ImageSource, size: int) -> None:
        self.shape, self.dtype = (source.shape[0], size, size), source.dtype
        self._source, self._size = source, size

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._source)

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return resized images `(len(indices), c, size, size)`."""
        return resized(self._source.read(indices), self._size)


def _of_size(data: ImageSet, size: int | None) -> ImageSet:
    """Return an opened data set with images of a size. Raise LatentclustError if they cannot be resized."""
    if size is None or data.source.shape[1:] == (size, size):
        return data
    if len(data.source.shape) == 1 or data.valid is not None or isinstance(data.labels, SealedMaps):
        what = f"{size} does not fit the opened data set, which has samples of shape {data.source.shape}"
        raise LatentclustError.at("data.size", what, "Remove it: vectors, label maps and masks are not resized")
    return replace(data, source=ResizedSource(data.source, size), features=None)


def _labelled(data: ImageSet, labels: NDArray[Any] | None) -> ImageSet:
    """Return a data set with other labels."""
    if labels is None:
        return data
    if labels.ndim == 1:
        named = image_set(data.source, *encode_labels(labels), "labels")
        return replace(data, labels=named.labels, classes=named.classes, notes=(*data.notes, *named.notes))
    if data.source.shape[1:] != labels.shape[1:]:
        what = f"has label maps of {labels.shape[1:]} pixels for samples of shape {data.source.shape}"
        raise LatentclustError.at("labels", what, "Pass maps of the size of the images, and do not set data.size")
    values = np.unique(np.concatenate([np.unique(labels[rows]) for rows in row_chunks(labels)]))
    values = values[values != VOID]
    if not len(values):
        return replace(data, labels=None, classes=(), notes=(*data.notes, "no pixel has a class: labels were ignored"))
    if len(values) > _MOST_CLASSES:
        raise LatentclustError.at("labels", f"has {len(values):,} classes", f"Use at most {_MOST_CLASSES:,}")
    names = tuple(str(value) for value in values)
    return replace(data, labels=SealedMaps(EncodedMaps(labels, values)), classes=names)
