"""How an array of numbers becomes the samples of a data set: shape, axis of channels, value range and size."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from latentclust.data.scaling import (
    UINT8_MAX,
    check_finite,
    check_range,
    row_chunks,
    scaled_to_uint8,
    scaled_to_unit,
)
from latentclust.data.sources import ArraySource, resized
from latentclust.errors import LatentclustError
from latentclust.specs.data import ImageSource
from latentclust.specs.parts import DatasetSpec
from latentclust.tensors import Shape

Layout = Literal["hwc", "chw"]

Beyond = Literal["refuse", "keep"]
"""Values outside the range: an error, or scaled as the others; images are then clipped to 0 and 255."""

CHANNELS = frozenset({1, 2, 3, 4})
"""Lengths of an axis that may be the channels, if the layout is not given."""

BYTE_RANGE = (0.0, float(UINT8_MAX))
UNIT_RANGE = (0.0, 1.0)

_IMAGES = 4
"""Number of axes of images."""


@dataclass(frozen=True, slots=True)
class ArrayReading:
    """How an array of numbers becomes samples.

    Attributes:
        shape: Stored shape of one sample, if each row is a flattened image.
        layout: Position of the channels of images. None: by the shape.
        range: Values that become 0 and 1. None: 0 and 255 for bytes, 0 and 1 for other types.
        size: Side in pixels of the square that images are resized to. None keeps their size.
    """

    shape: Shape | None = None
    layout: Layout | None = None
    range: tuple[float, float] | None = None
    size: int | None = None

    @classmethod
    def of(cls, dataset: DatasetSpec) -> "ArrayReading":
        """Return the reading of a data set, from those of its options that have the names of the attributes."""
        options = dataset.model_dump()
        return cls(*(options.get(name) for name in ("shape", "layout_of_images", "range", "size")))

    def shaped(self, samples: NDArray[Any], where: str) -> NDArray[Any]:
        """Return samples as vectors `(n, d)` or images `(n, c, h, w)`, without a copy.

        Args:
            samples: Vectors or flattened images `(n, d)`, or images `(n, h, w)`, `(n, c, h, w)` or `(n, h, w, c)`.
            where: File or argument for messages.

        Raises:
            LatentclustError: If the shape does not fit, or the axis of channels cannot be determined.
        """
        if self.shape is not None and samples.ndim == 2 and samples.shape[1] == np.prod(self.shape):
            samples = samples.reshape(len(samples), *self.shape)
        elif self.shape is not None and samples.shape[1:] != self.shape:
            what = f"{self.shape} does not fit the samples of shape {samples.shape[1:]} in {where}"
            raise LatentclustError.at("data.shape", what, "Set the shape of the image that a row contains")
        if samples.ndim == _IMAGES - 1:
            return samples[:, np.newaxis]
        if samples.ndim == _IMAGES and self.layout_of(samples.shape) == "hwc":
            return samples.transpose(0, 3, 1, 2)
        return samples

    def layout_of(self, shape: Shape) -> Layout:
        """Return the position of the channels of images of a shape `(n, c, h, w)` or `(n, h, w, c)`."""
        if self.layout:
            return self.layout
        first, last = shape[1] in CHANNELS, shape[-1] in CHANNELS
        if first == last:
            what = f"cannot determine the axis of channels in images of shape {shape}"
            raise LatentclustError.at("data.layout_of_images", what, 'Set it to "hwc" or "chw"')
        return "hwc" if last else "chw"

    def scaled(self, samples: NDArray[Any], where: str, beyond: Beyond = "refuse") -> NDArray[Any]:
        """Return shaped samples as float32 vectors in [0, 1], or as uint8 images.

        Samples that are so already are returned uncopied.

        Raises:
            LatentclustError: If a value is NaN or outside the range, the range is empty, or vectors would be resized.
        """
        self.check(samples, where, beyond)
        return self.convert(samples)

    def check(self, samples: NDArray[Any], where: str, beyond: Beyond = "refuse") -> None:
        """Raise LatentclustError if `scaled` cannot scale shaped samples."""
        low, high = self._limits(samples)
        if low >= high:
            raise LatentclustError.at("data.range", f"{low:g} to {high:g} is empty", "Write the lower value first")
        if self.size and samples.ndim != _IMAGES:
            what = f"{self.size} requires images, but {where} contains vectors"
            raise LatentclustError.at("data.size", what, "Remove it, or set data.shape")
        if beyond == "keep":
            check_finite(samples, where)
        elif not self._kept(samples):
            check_range(samples, low, high, where)

    def convert(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Return checked samples scaled."""
        low, high = self._limits(samples)
        if samples.ndim != _IMAGES:
            return scaled_to_unit(samples, low, high)
        images = scaled_to_uint8(samples, low, high)
        return resized(images, self.size) if self.size and images.size else images

    def source(self, samples: NDArray[Any], where: str, beyond: Beyond = "refuse") -> ImageSource:
        """Return shaped samples as a source. Memory-mapped ones are converted when they are read.

        Raises:
            LatentclustError: As `scaled`, or if there are no samples.
        """
        self.check(samples, where, beyond)
        mapped = isinstance(samples, np.memmap) and bool(samples.size)
        if not mapped or (self._kept(samples) and self.size in (None, *_side(samples))):
            return ArraySource(self.convert(samples), where)
        return _MappedSource(samples, self)

    def _kept(self, samples: NDArray[Any]) -> bool:
        """Return whether samples are bytes of images that are not scaled."""
        return samples.ndim == _IMAGES and samples.dtype == np.uint8 and self._limits(samples) == BYTE_RANGE

    def _limits(self, samples: NDArray[Any]) -> tuple[float, float]:
        return self.range or (BYTE_RANGE if samples.dtype == np.uint8 else UNIT_RANGE)


class _MappedSource(ImageSource):
    """Samples of a memory-mapped array, converted when they are read, a few at a time.

    Args:
        samples: Checked samples `(n, d)` or `(n, c, h, w)`.
        reading: How they are converted.
    """

    def __init__(self, samples: NDArray[Any], reading: ArrayReading) -> None:
        first = reading.convert(samples[:1])
        self.shape, self.dtype = first.shape[1:], first.dtype
        self._samples, self._reading = samples, reading

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._samples)

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return converted samples `(len(indices), *shape)`."""
        out = np.empty((len(indices), *self.shape), self.dtype)
        for rows in row_chunks(np.broadcast_to(0, (len(indices), *self._samples.shape[1:]))):
            out[rows] = self._reading.convert(np.asarray(self._samples[indices[rows]]))
        return out


def _side(samples: NDArray[Any]) -> tuple[int, ...]:
    """Return the side of square images."""
    return samples.shape[2:3] if samples.shape[2:3] == samples.shape[3:] else ()


def measured_range(samples: NDArray[Any], where: str) -> tuple[float, float] | None:
    """Return the smallest and the largest value of samples, 0 and 1 if all values are within, and None for bytes.

    Raises:
        LatentclustError: If a value is NaN or infinite, or all values are the same.
    """
    if samples.dtype == np.uint8 or not samples.size:
        return None
    if samples.dtype.kind == "b":
        return UNIT_RANGE
    check_finite(samples, where)
    chunks = [samples[rows] for rows in row_chunks(samples)]
    low, high = float(min(chunk.min() for chunk in chunks)), float(max(chunk.max() for chunk in chunks))
    if low >= UNIT_RANGE[0] and high <= UNIT_RANGE[1]:
        return UNIT_RANGE
    if low == high:
        what = f"every value is {low:g}"
        raise LatentclustError.at(where, what, "Check how they were made: there is nothing to cluster")
    return low, high
