"""Raster files read by window: which pixels are data, and how values become the bytes that networks read."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from latentclust.data.sources import UINT8_MAX, decode_errors
from latentclust.errors import LatentclustError

Opened: TypeAlias = DatasetReader | WarpedVRT
"""A raster to be read by window: a file, or one that is resampled as it is read."""

Ranges = tuple[tuple[float, float], ...]
"""For each band the values that become 0 and 255; none for bytes that are taken as they are."""

Scales = tuple[tuple[float, float], ...]
"""For each band the scale and the offset that a raster claims; 1 and 0 where it claims none."""

CACHE_BYTES = 64 << 20
"""What GDAL may keep of decoded blocks; its default is a twentieth of the machine's memory."""

Value = TypeVar("Value")

PERCENTILES = (2.0, 98.0)
"""Between which the values of a band are stretched where no range is given."""


@dataclass(frozen=True, slots=True)
class BandReading:
    """How the rasters that a model was trained on were read, so that others are read in the same way.

    Attributes:
        bands: Those read, counted from 1.
        ranges: For each of them the values that became 0 and 255; none for bytes that were taken as they are.
        counts: How many bands the rasters had, alpha left out.
        types: The types of their values, by numpy's names.
        names: The descriptions of the bands read; none where rasters lack one, name two alike, or differ.
        scales: Scale and offset that the rasters claim for each band read, and that are never applied; none where they
            differ or are not known.
    """

    bands: tuple[int, ...]
    ranges: Ranges
    counts: tuple[int, ...]
    types: tuple[str, ...]
    names: tuple[str, ...] = ()
    scales: Scales = ()


@contextmanager
def raster(path: Path) -> Iterator[DatasetReader]:
    """A raster opened for reading by window; whatever a decoder raises in the block becomes a LatentclustError."""
    with decode_errors(path), warnings.catch_warnings(), rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as file:
            yield file


def bands_of(file: DatasetReader) -> tuple[int, ...]:
    """The bands of a raster that are no alpha channel, counted from 1."""
    return tuple(band for band, kind in enumerate(file.colorinterp, start=1) if kind != ColorInterp.alpha)


def has_gaps(file: Opened, bands: Sequence[int]) -> bool:
    """Whether a raster can hold pixels that are no data: it names a nodata value, has a mask, or is of floats."""
    flags = [file.mask_flag_enums[band - 1] for band in bands]
    floats = any(np.issubdtype(np.dtype(file.dtypes[band - 1]), np.inexact) for band in bands)
    return floats or any(MaskFlags.all_valid not in each for each in flags)


def read_window(
    file: Opened, bands: Sequence[int], window: Window | None = None, step: int = 1
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The values `(c, h, w)` of a window, and where they are data `(h, w)`.

    A pixel is data where in every band it is finite, unmasked, unlike the nodata value and not transparent.

    Args:
        file: From `raster`.
        bands: Counted from 1.
        window: In pixels; the whole raster where None.
        step: Every how many pixels one is read, either way.
    """
    height, width = (window.height, window.width) if window else (file.height, file.width)
    extent = (len(bands), -(-int(height) // step), -(-int(width) // step))
    values = file.read(list(bands), window=window, out_shape=extent)
    if not has_gaps(file, bands):
        return values, np.ones(extent[1:], np.bool_)
    masks = file.read_masks(list(bands), window=window, out_shape=extent)
    return values, np.all(masks > 0, axis=0) & np.all(np.isfinite(values), axis=0)


def as_bytes(values: NDArray[Any], valid: NDArray[np.bool_], ranges: Ranges) -> NDArray[np.uint8]:
    """Values `(c, h, w)` as uint8, clipped to their ranges and rounded; 0 where they are not valid.

    Args:
        values: Of any real type; uint8 where there are no ranges.
        valid: `(h, w)`.
        ranges: One a band, or none.
    """
    if not ranges:
        assert values.dtype == np.uint8, "values of other types have ranges"
        return np.where(valid, values, 0).astype(np.uint8)
    low, high = np.array(ranges, np.float64).T[:, :, np.newaxis, np.newaxis]
    shares = (np.where(valid, values, low).astype(np.float64) - low) / (high - low)
    scaled: NDArray[np.uint8] = np.rint(np.clip(shares, 0, 1) * UINT8_MAX).astype(np.uint8)
    return scaled


def read_scene(path: Path, bands: Sequence[int], ranges: Ranges) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A whole raster as a network that was trained on its windows reads it.

    Args:
        path: Of the raster.
        bands: Counted from 1.
        ranges: Those of the windows: one a band, or none for bytes.

    Returns:
        The image `(c, h, w)`, and which pixels are data `(h, w)`; those that are not hold 0.

    Raises:
        LatentclustError: A file that is absent, damaged or no raster.
    """
    with raster(path) as file:
        values, valid = read_window(file, bands)
    return as_bytes(values, valid, ranges), valid


def band_reading(paths: Sequence[Path], bands: tuple[int, ...], ranges: Ranges) -> BandReading:
    """How rasters are read, with what their headers say.

    Raises:
        LatentclustError: A file that is absent, damaged or no raster.
    """
    counts, types, names, scales = set(), set(), set(), set()
    for path in paths:
        with raster(path) as file:
            counts.add(len(bands_of(file)))
            types |= {file.dtypes[band - 1] for band in bands}
            names.add(descriptions(file, bands))
            scales.add(scales_of(file, bands))
    return BandReading(bands, ranges, tuple(sorted(counts)), tuple(sorted(types)), _names(names), _common(scales))


def descriptions(file: DatasetReader, bands: Sequence[int]) -> tuple[str, ...]:
    """What a raster says of bands; empty strings where it says nothing."""
    return tuple((file.descriptions[band - 1] or "").strip() for band in bands)


def scales_of(file: DatasetReader, bands: Sequence[int]) -> Scales:
    """The scale and the offset that a raster claims for bands; values are read as they are stored."""
    return tuple((float(file.scales[band - 1]), float(file.offsets[band - 1])) for band in bands)


def _names(found: set[tuple[str, ...]]) -> tuple[str, ...]:
    """Descriptions that all rasters share and that tell every band from the others, or none."""
    names = _common(found)
    return names if all(names) and len(set(names)) == len(names) else ()


def _common(found: set[tuple[Value, ...]]) -> tuple[Value, ...]:
    """What all rasters say alike, or nothing."""
    return next(iter(found)) if len(found) == 1 else ()


def percentile_ranges(samples: Sequence[NDArray[Any]], where: str) -> Ranges:
    """The ranges between `PERCENTILES` of each band, over pixels `(c, n)` of several rasters.

    Raises:
        LatentclustError: A band whose values are all the same, naming it.
    """
    pooled = np.concatenate([np.asarray(each, np.float64) for each in samples], axis=1)
    found = np.percentile(pooled, PERCENTILES, axis=1).T
    flat = found[:, 0] == found[:, 1]
    found[flat] = np.stack([pooled.min(axis=1), pooled.max(axis=1)], axis=1)[flat]
    constant = np.flatnonzero(found[:, 0] == found[:, 1])
    if len(constant):
        what = f"band {constant[0] + 1} of those chosen has one value, {found[constant[0], 0]:g}, throughout"
        raise LatentclustError.at(where, what, "Leave the band out with data.bands")
    return tuple((float(low), float(high)) for low, high in found)
