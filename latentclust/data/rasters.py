"""Raster files read by window: valid pixels, and the scaling of values to bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from latentclust.data.sources import UINT8_MAX
from latentclust.errors import LatentclustError

Opened: TypeAlias = DatasetReader | WarpedVRT
"""An open raster: a file, or a virtual raster that is resampled when read."""

Ranges = tuple[tuple[float, float], ...]
"""Values of each band that are scaled to 0 and 255; empty for bytes that are not scaled."""

Scales = tuple[tuple[float, float], ...]
"""Scale and offset of each band in the raster's header; 1 and 0 by default."""

CACHE_BYTES = 64 << 20
"""Size of GDAL's block cache in bytes. GDAL's default is five per cent of the memory."""

PERCENTILES = (2.0, 98.0)
"""Percentiles of a band's values that are scaled to 0 and 255 by default."""


@dataclass(frozen=True, slots=True)
class BandReading:
    """The bands and value ranges of the rasters that a model was trained on, so that others are read in the same way.

    Attributes:
        bands: Bands that are read, counted from 1.
        ranges: Values of each band that are scaled to 0 and 255; empty for bytes that are not scaled.
        counts: Numbers of bands of the rasters, without alpha.
        types: NumPy names of the data types of the rasters.
        names: Descriptions of the bands; empty if one is missing, two are equal, or the rasters differ.
        scales: Scale and offset of each band in the headers, which are never applied; empty if the rasters differ or
            they are unknown.
    """

    bands: tuple[int, ...]
    ranges: Ranges
    counts: tuple[int, ...]
    types: tuple[str, ...]
    names: tuple[str, ...] = ()
    scales: Scales = ()


def bands_of(file: DatasetReader) -> tuple[int, ...]:
    """Return the bands of a raster without alpha channels, counted from 1."""
    return tuple(band for band, kind in enumerate(file.colorinterp, start=1) if kind != ColorInterp.alpha)


def has_gaps(file: Opened, bands: Sequence[int]) -> bool:
    """Return whether a raster can contain nodata pixels: it has a nodata value, a mask, or floats."""
    flags = [file.mask_flag_enums[band - 1] for band in bands]
    floats = any(np.issubdtype(np.dtype(file.dtypes[band - 1]), np.inexact) for band in bands)
    return floats or any(MaskFlags.all_valid not in each for each in flags)


def read_window(
    file: Opened, bands: Sequence[int], window: Window | None = None, step: int = 1
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the values `(c, h, w)` of a window and its valid pixels `(h, w)`.

    A pixel is valid if in every band it is finite, not masked, not the nodata value and not transparent.

    Args:
        file: Raster that `raster` opened.
        bands: Bands to read, counted from 1.
        window: Window in pixels. Defaults to the whole raster.
        step: Distance in pixels between the pixels that are read, in each axis.
    """
    height, width = (window.height, window.width) if window else (file.height, file.width)
    extent = (len(bands), -(-int(height) // step), -(-int(width) // step))
    values = file.read(list(bands), window=window, out_shape=extent)
    if not has_gaps(file, bands):
        return values, np.ones(extent[1:], np.bool_)
    masks = file.read_masks(list(bands), window=window, out_shape=extent)
    return values, np.all(masks > 0, axis=0) & np.all(np.isfinite(values), axis=0)


def as_bytes(values: NDArray[Any], valid: NDArray[np.bool_], ranges: Ranges) -> NDArray[np.uint8]:
    """Return values `(c, h, w)` as uint8, clipped to their ranges and rounded; invalid pixels are 0.

    Args:
        values: Values of any real type; uint8 if there are no ranges.
        valid: Valid pixels `(h, w)`.
        ranges: One range per band; empty for bytes that are not scaled.
    """
    if not ranges:
        assert values.dtype == np.uint8, "values of other types have ranges"
        return np.where(valid, values, 0).astype(np.uint8)
    low, high = np.array(ranges, np.float64).T[:, :, np.newaxis, np.newaxis]
    shares = (np.where(valid, values, low).astype(np.float64) - low) / (high - low)
    scaled: NDArray[np.uint8] = np.rint(np.clip(shares, 0, 1) * UINT8_MAX).astype(np.uint8)
    return scaled


def descriptions(file: DatasetReader, bands: Sequence[int]) -> tuple[str, ...]:
    """Return the descriptions of bands; empty strings for bands without one."""
    return tuple((file.descriptions[band - 1] or "").strip() for band in bands)


def scales_of(file: DatasetReader, bands: Sequence[int]) -> Scales:
    """Return the scale and the offset of bands in the header. They are not applied to values."""
    return tuple((float(file.scales[band - 1]), float(file.offsets[band - 1])) for band in bands)


def percentile_ranges(samples: Sequence[NDArray[Any]], where: str) -> Ranges:
    """Return the range between `PERCENTILES` of each band.

    Args:
        samples: Pixels `(c, n)` of each raster.
        where: Recipe key or file for messages.

    Raises:
        LatentclustError: If all values of a band are the same.
    """
    pooled = np.concatenate([np.asarray(each, np.float64) for each in samples], axis=1)
    found = np.percentile(pooled, PERCENTILES, axis=1).T
    flat = found[:, 0] == found[:, 1]
    found[flat] = np.stack([pooled.min(axis=1), pooled.max(axis=1)], axis=1)[flat]
    constant = np.flatnonzero(found[:, 0] == found[:, 1])
    if len(constant):
        what = f"selected band {constant[0] + 1} is constant: all its values are {found[constant[0], 0]:g}"
        raise LatentclustError.at(where, what, "Exclude the band with data.bands")
    return tuple((float(low), float(high)) for low, high in found)
