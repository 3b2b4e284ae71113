"""Scenes in arrays, with the values of rasters, as a model of label maps reads them."""

from collections.abc import Iterator
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from latentclust.data.rasters import BandReading, has_value, stretch
from latentclust.data.subset import spread_indices
from latentclust.errors import InvalidArgumentError, Issue
from latentclust.labelling.windows.grid import Span
from latentclust.labelling.windows.window_batches import ArrayWindows
from latentclust.specs.data import ImageSource
from latentclust.tensors import Shape

SAMPLED_IMAGES, SAMPLED_SIDE = 256, 512
"""Number of images, and of rows and columns of each, that value ranges are estimated from."""


@final
class SceneArrays(ImageSource):
    """Images `(n, c, h, w)` with the values of rasters, as bytes. Nodata pixels have those of the nearest valid pixel.

    Args:
        values: Images. Pixels that are NaN or infinite in a band, or have a nodata value, are nodata.
        reading: Bands, value ranges and nodata values.

    Raises:
        InvalidArgumentError: If the number of bands or the type differs from those of the training data.
    """

    def __init__(self, values: NDArray[Any], reading: BandReading) -> None:
        self._stored = _stored_type(values, reading)
        self.shape: Shape = (len(reading.bands), *values.shape[2:])
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)
        self._values, self._reading = values, reading

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._values)

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return images `(len(indices), c, h, w)`."""
        return np.stack([self._image(int(index))[0] for index in indices])

    def valid(self, indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the valid pixels `(len(indices), h, w)`."""
        return np.stack([self._image(int(index))[1] for index in indices])

    def windows(self, index: int) -> ArrayWindows:
        """Return the windows of an image."""
        values = self._values[index]
        return ArrayWindows(values, self._reading, self._stored, valid=_declared(values, self._reading))

    def _image(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        height, width = self.shape[1:]
        found = self.windows(index).read(_whole(height), _whole(width))
        return found or (np.zeros(self.shape, np.uint8), np.zeros((height, width), np.bool_))


def array_reading(
    values: NDArray[Any], scale: tuple[float, float] | None = None, nodata: float | None = None
) -> BandReading:
    """Return the reading of the images of a training, as the data set `raster` has it: a stretch of each band.

    Args:
        values: Images `(n, c, h, w)`.
        scale: Values that become 0 and 255 in every band. None: percentiles 2 and 98 of each band; bytes are unchanged,
            unless a band has fewer than 32 grey levels.
        nodata: Value of nodata pixels.

    Raises:
        LatentclustError: If no pixel is valid, or all values of a band are the same.
    """
    channels = values.shape[1]
    bands = tuple(range(1, channels + 1))
    samples = [pixels for pixels in _samples(values, nodata) if pixels.size]
    if not samples:
        what = "has no valid pixels: all are NaN, infinite or nodata"
        raise InvalidArgumentError(Issue("X", what, "Check the values and data.nodata"))
    ranges = (scale,) * channels if scale else stretch([np.concatenate(samples, axis=1)], "X")
    return BandReading(bands, ranges, (channels,), (values.dtype.newbyteorder("=").name,), nodata=nodata)


def _samples(values: NDArray[Any], nodata: float | None) -> Iterator[NDArray[Any]]:
    """Yield valid pixels `(c, m)`, spread over some images."""
    step = max(1, min(values.shape[2:]) // SAMPLED_SIDE)
    for index in spread_indices(len(values), SAMPLED_IMAGES):
        pixels = values[index][:, ::step, ::step].reshape(values.shape[1], -1)
        valid = np.isfinite(pixels).all(axis=0)
        if nodata is not None:
            valid &= ~has_value(pixels, nodata)
        yield pixels[:, valid]


def _whole(side: int) -> Span:
    return Span(0, side, 0, side, np.ones(side, np.float32))


def _declared(values: NDArray[Any], reading: BandReading) -> NDArray[np.bool_] | None:
    """Return the pixels `(h, w)` without a nodata value that the training rasters declared. None for no such value."""
    if not reading.declared:
        return None
    found: NDArray[np.bool_] = ~np.any([has_value(values, value) for value in reading.declared], axis=0)
    return found


def _stored_type(values: NDArray[Any], reading: BandReading) -> str:
    """Return the type of the training data that values are converted to.

    Raises:
        InvalidArgumentError: If they would change, or have another number of bands.
    """
    count = values.shape[1]
    if count not in reading.counts or max(reading.bands) > count:
        what = f"has {count} bands, but the model was fitted to {' or '.join(map(str, reading.counts))}"
        raise InvalidArgumentError(Issue("X", what, "Pass all bands in the order of the training data"))
    for name in reading.types:
        if np.can_cast(values.dtype, name) or np.dtype(name).kind == "f":
            return name
    what = f"has values of type {values.dtype}, but the model was fitted to {' and '.join(reading.types)}"
    raise InvalidArgumentError(Issue("X", what, "Pass the values as they are in the training data, unscaled"))
