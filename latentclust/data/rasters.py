"""Raster files read by window: valid pixels, and the scaling of values to bytes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
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

Curve = tuple[tuple[float, ...], tuple[float, ...]]
"""Values of a band of a raster in ascending order, and the values of the training data that they stand for."""

CACHE_BYTES = 64 << 20
"""Size of GDAL's block cache in bytes. GDAL's default is five per cent of the memory."""

REAL_TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")
"""Types of the values of rasters."""

PERCENTILES = (2.0, 98.0)
"""Percentiles of a band's values that are scaled to 0 and 255 by default."""

BYTES = (0.0, float(UINT8_MAX))
"""Range by which bytes stay as they are."""

NARROW = 32
"""Number of grey levels, an eighth of those of a byte, below which a band of bytes is stretched too."""


@dataclass(frozen=True, slots=True)
class BandReading:
    """The bands and value ranges of the rasters that a model was trained on, so that others are read in the same way.

    Attributes:
        bands: Bands that are read, counted from 1.
        ranges: Values of each band that are scaled to 0 and 255; empty for bytes that are not scaled.
        counts: Numbers of bands of the rasters, without alpha.
        types: NumPy names of the data types of the rasters.
        names: Descriptions of the bands; empty if one is missing, two are equal, or the rasters differ.
        scales: Scale and offset of each band in the headers, to which values of other rasters are brought; empty if
            they are unknown.
        nodata: Value of nodata pixels in addition to those that a raster declares. None for no such value.
        declared: Finite nodata values that the rasters declared.
        quantiles: Quantiles of the values of each band, see `band_quantiles`; empty if they are unknown.
        curves: How values of one raster become values like those of the training data, band by band: linear between
            values of the curve and beyond its ends. Empty if they stay as they are. Not part of a model file.
    """

    bands: tuple[int, ...]
    ranges: Ranges
    counts: tuple[int, ...]
    types: tuple[str, ...]
    names: tuple[str, ...] = ()
    scales: Scales = ()
    nodata: float | None = None
    declared: tuple[float, ...] = ()
    curves: tuple[Curve, ...] = ()
    quantiles: tuple[tuple[float, ...], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as in files of earlier versions, which have no nodata values, unless there are some."""
        added = {"nodata": None, "declared": (), "quantiles": ()}
        fields = {name: value for name, value in asdict(self).items() if name != "curves"}
        return {name: value for name, value in fields.items() if name not in added or value != added[name]}


def bands_of(file: Opened, read: Sequence[int] = ()) -> tuple[int, ...]:
    """Return the bands of a raster without alpha channels, counted from 1. A band that is read is no alpha channel."""
    return tuple(
        band for band, kind in enumerate(file.colorinterp, start=1) if kind != ColorInterp.alpha or band in read
    )


def alpha_bands(file: Opened, read: Sequence[int] = ()) -> tuple[int, ...]:
    """Return the alpha channels of a raster, counted from 1, whose zeros are nodata: those that are not read."""
    return tuple(band for band in range(1, file.count + 1) if band not in bands_of(file, read))


def has_gaps(file: Opened, bands: Sequence[int], nodata: float | None = None) -> bool:
    """Return whether a raster can contain nodata pixels: it has a nodata value, a mask, an alpha channel or floats."""
    floats = any(np.issubdtype(np.dtype(file.dtypes[band - 1]), np.inexact) for band in bands)
    return floats or nodata is not None or has_mask(file, bands)


def has_mask(file: Opened, bands: Sequence[int]) -> bool:
    """Return whether a raster declares nodata pixels, by a nodata value, a mask or an alpha channel."""
    return bool(_masked_bands(file, bands) or alpha_bands(file, bands))


def read_window(
    file: Opened, bands: Sequence[int], window: Window | None = None, step: int = 1, nodata: float | None = None
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the values `(c, h, w)` of a window and its valid pixels `(h, w)`.

    A pixel is valid if in every band it is finite, not masked and not a nodata value, and not transparent: alpha
    channels that are not read are not 0.

    Args:
        file: Raster that `raster` opened.
        bands: Bands to read, counted from 1.
        window: Window in pixels. Defaults to the whole raster.
        step: Distance in pixels between the pixels that are read, in each axis.
        nodata: Value of nodata pixels in addition to the one that the raster declares.
    """
    height, width = (window.height, window.width) if window else (file.height, file.width)
    extent = (-(-int(height) // step), -(-int(width) // step))
    values = file.read(list(bands), window=window, out_shape=(len(bands), *extent))
    if not has_gaps(file, bands, nodata):
        return values, np.ones(extent, np.bool_)
    valid = np.all(np.isfinite(values), axis=0)
    if masked := _masked_bands(file, bands):
        valid &= np.all(file.read_masks(masked, window=window, out_shape=(len(masked), *extent)) > 0, axis=0)
    if alphas := list(alpha_bands(file, bands)):
        valid &= np.all(file.read(alphas, window=window, out_shape=(len(alphas), *extent)) > 0, axis=0)
    if nodata is not None:
        valid &= ~has_value(values, nodata)
    return values, valid


def read_values(
    file: Opened, reading: BandReading, window: Window | None = None, step: int = 1
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return values `(c, h, w)` like those of the training data, and valid pixels `(h, w)`, as `read_window` does."""
    values, valid = read_window(file, reading.bands, window, step, reading.nodata)
    return (follow_curves(values, reading.curves) if reading.curves else values), valid


def follow_curves(values: NDArray[Any], curves: Sequence[Curve]) -> NDArray[np.float64]:
    """Return the values `(c, ...)` that curves, one per band, assign to values."""
    return np.stack(
        [_follow(band.astype(np.float64), *map(np.array, curve)) for band, curve in zip(values, curves, strict=True)]
    )


def _follow(
    values: NDArray[np.float64], knots: NDArray[np.float64], levels: NDArray[np.float64]
) -> NDArray[np.float64]:
    slopes = np.diff(levels) / np.diff(knots)
    at = np.clip(np.searchsorted(knots, values, side="right") - 1, 0, len(slopes) - 1)
    followed: NDArray[np.float64] = levels[at] + (values - knots[at]) * slopes[at]
    return followed


def has_value(values: NDArray[Any], nodata: float) -> NDArray[np.bool_]:
    """Return the pixels `(h, w)` that have a nodata value in any band of `values` `(c, h, w)`."""
    with np.errstate(over="ignore"):  # A value beyond float32 becomes infinite, which no valid pixel is.
        value = values.dtype.type(nodata) if values.dtype.kind == "f" else nodata
    found: NDArray[np.bool_] = np.any(values == value, axis=0)
    return found


def _masked_bands(file: Opened, bands: Sequence[int]) -> list[int]:
    """Return the bands with a nodata value or a mask. GDAL's mask of an alpha channel, of RGBA alone, is not used."""
    return [band for band in bands if not {MaskFlags.all_valid, MaskFlags.alpha} & set(file.mask_flag_enums[band - 1])]


def as_bytes(values: NDArray[Any], valid: NDArray[np.bool_], ranges: Ranges) -> NDArray[np.uint8]:
    """Return values `(c, h, w)` as uint8, clipped to their ranges and rounded; invalid pixels are 0.

    Args:
        values: Values of any real type; uint8 if there are no ranges.
        valid: Valid pixels `(h, w)`.
        ranges: One range per band; empty for bytes, or values like bytes, that are not scaled.
    """
    if not ranges and values.dtype == np.uint8:
        return np.where(valid, values, 0).astype(np.uint8)
    ranges = ranges or (BYTES,) * len(values)
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


def nodata_values(file: DatasetReader, bands: Sequence[int]) -> tuple[float, ...]:
    """Return the finite nodata values that a raster declares for bands, in ascending order."""
    values = (file.nodatavals[band - 1] for band in bands)
    return tuple(sorted({float(value) for value in values if value is not None and np.isfinite(value)}))


def stretch(samples: Sequence[NDArray[Any]], where: str) -> Ranges:
    """Return the ranges that become bytes: empty for bytes, unless the values of a band are close to each other.

    Such bands of bytes, like masks of 0 and 1, and bands of other types are scaled by `percentile_ranges`.

    Args:
        samples: Pixels `(c, n)` of each raster.
        where: Recipe key or file for messages.

    Raises:
        LatentclustError: If all values of a band, which are not bytes, are the same.
    """
    if any(each.dtype != np.uint8 for each in samples):
        return percentile_ranges(samples, where)
    highest, lowest = (np.stack([end(each, axis=1) for each in samples]).astype(int) for end in (np.max, np.min))
    spans = highest.max(axis=0) - lowest.min(axis=0)
    ranges = tuple(
        percentile_ranges([each[[band]] for each in samples], where)[0] if 0 < span < NARROW else BYTES
        for band, span in enumerate(spans.tolist())
    )
    return () if set(ranges) == {BYTES} else ranges


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
