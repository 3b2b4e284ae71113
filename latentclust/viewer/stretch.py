"""The value ranges by which the bands of a scene are shown: percentiles of a coarse sample."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from latentclust.data.rasters import PERCENTILES, bands_of, read_window
from latentclust.labelling.windows.stitch import NO_DATA

SAMPLE_SIDE = 512
"""Largest number of rows and columns of a sample."""

LARGEST_WITHOUT_OVERVIEWS = 4096
"""Largest side in pixels of a raster without overviews that is read whole for a sample or a tile."""

DIGITS = 5
"""Number of digits to which a range is rounded, relative to the difference of its ends."""

WINDOWS, WINDOW = 6, 128
"""Number of windows in each axis, and their side in pixels, of the sample of a larger raster without overviews."""


@dataclass(frozen=True, slots=True)
class BandRange:
    """A band of a scene with the values between which it is shown.

    Attributes:
        number: Number of the band, counted from 1.
        name: Description, or `band N`.
        low: Percentile 2.
        high: Percentile 98; above `low`.
        whole: Whether values are whole numbers.
    """

    number: int
    name: str
    low: float
    high: float
    whole: bool


def band_ranges(file: DatasetReader, labels: DatasetReader | None = None) -> tuple[BandRange, ...]:
    """Return the bands of a raster without alpha channels, with their ranges. At most 512 x 512 pixels are read.

    Args:
        file: Raster.
        labels: Its label raster, whose nodata is left out too if it has the same size.
    """
    bands = bands_of(file)
    values = sample(file, bands, labels if labels is not None and labels.shape == file.shape else None)
    found = []
    for number, band in zip(bands, values, strict=True):
        name = (file.descriptions[number - 1] or "").strip() or f"band {number}"
        whole = file.dtypes[number - 1].startswith(("int", "uint"))
        found.append(BandRange(number, name, *_range(band), whole))
    return tuple(found)


def _range(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return percentiles of values `(n,)`, or the extremes, or a range around a constant."""
    if not values.size:
        return 0.0, 1.0
    for ends in (PERCENTILES, (0.0, 100.0)):
        low, high = (float(end) for end in np.percentile(values, ends))
        if low < high and math.isfinite(high - low):
            digits = DIGITS - 1 - math.floor(math.log10(high - low))
            return round(low, digits), round(high, digits)
    return low, low + max(1.0, abs(low) * 1e-6)


def has_overviews(file: DatasetReader) -> bool:
    """Return whether the coarsest overview of a raster is small enough to be read whole."""
    longest, factors = max(file.height, file.width), file.overviews(1)
    return bool(factors) and longest / max(factors) <= LARGEST_WITHOUT_OVERVIEWS


def sample(file: DatasetReader, bands: tuple[int, ...], labels: DatasetReader | None = None) -> NDArray[np.float64]:
    """Return valid pixels `(c, n)`, spread over a raster, without those that have no label in `labels`."""
    longest = max(file.height, file.width)
    whole = has_overviews(file) or longest <= LARGEST_WITHOUT_OVERVIEWS
    windows = [None] if whole else _spread(file.height, file.width)
    found = []
    for window in windows:
        values, valid = read_window(file, bands, window, -(-longest // SAMPLE_SIDE) if whole else 1)
        if labels is not None:
            valid = valid & (labels.read(1, window=window, out_shape=valid.shape) != NO_DATA)
        found.append(values.real[:, valid].astype(np.float64))
    return np.concatenate(found, axis=1)


def _spread(height: int, width: int) -> list[Window]:
    """Return windows on a regular grid."""
    rows, columns = (
        np.linspace(0, max(0, side - WINDOW), WINDOWS).astype(int).tolist() if side > WINDOW else [0]
        for side in (height, width)
    )
    high, wide = min(WINDOW, height), min(WINDOW, width)
    return [Window(left, top, wide, high) for top in rows for left in columns]
