"""Matching of the bands of a raster with those of the training data: by name or index, type, scale and range."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from latentclust.data.band_names import count_dates, find_bands, rank_dates
from latentclust.data.rasters import (
    PERCENTILES,
    BandReading,
    Curve,
    bands_of,
    descriptions,
    has_mask,
    read_values,
    scales_of,
)
from latentclust.data.scenes.mask_vrt import mask_band, mask_notes
from latentclust.data.scenes.opening import decoding_errors, open_raster
from latentclust.data.scenes.requested import requested_bands
from latentclust.data.scenes.scale_tags import IDENTITY, NO_TAG, combined, scale_curves
from latentclust.data.scenes.sentinel import sentinel_note
from latentclust.data.undeclared_nodata import is_measured, nodata_warnings
from latentclust.errors import LatentclustError
from latentclust.specs.scenes import Scene

SAMPLE_WINDOW = 256
"""Size in pixels of the windows that the value range is estimated from."""

SAMPLE_GRID = 4
"""Maximum number of rows and of columns of such windows."""


Normalise = Callable[[DatasetReader, BandReading, str], tuple[tuple[Curve, ...], tuple[str, ...]]]
"""Returns the curves of an open raster with its band reading and name, and warnings."""


@dataclass(frozen=True, slots=True)
class BandMatch:
    """The bands of a raster that are read.

    Attributes:
        bands: Band reading of the model, with the positions of the bands in this raster.
        warnings: Warnings about the bands.
        by_name: Whether the bands were found by name.
    """

    bands: BandReading
    warnings: tuple[str, ...]
    by_name: bool = False


def match_bands(
    file: DatasetReader,
    wanted: BandReading,
    name: str,
    requested: Sequence[str] = (),
    other: str = "the training data",
    normalise: Normalise | None = None,
) -> BandMatch:
    """Match the bands of a raster with those of others. Some values are read, mostly of a single window.

    Bands are matched by name if the descriptions contain each of the wanted names once, and else by index.

    Args:
        file: Raster from `open_raster`.
        wanted: Band reading of the others.
        name: Name of the raster, for messages.
        requested: Names that the bands have in this raster, in the order of the others' bands. Empty if unknown.
        other: Name of the others, for messages.
        normalise: Returns the curve of each band that brings its values to those of the others, and warnings. None to
            convert scale and offset only.

    Raises:
        LatentclustError: If a requested band is missing, the number of bands or the data type differs, some bands have
            other places than their names say, or no value is in the range.
    """
    odd: tuple[str, ...] = ()
    if requested:
        bands, by_name = requested_bands(file, requested, name), True
        if len(bands) != len(wanted.bands):
            what = f"{len(bands)} bands are requested ({', '.join(requested)}), and {other} has {len(wanted.bands)}"
            raise LatentclustError.at(name, what, "Name as many bands")
    else:
        bands, by_name, odd = _places(file, wanted, name, other)
    if mask_band(file) in bands:
        what = f"band {mask_band(file)} is its mask, and one of the bands that are read"
        raise LatentclustError.at(name, what, "Name the bands that are read, or write the mask to a file of its own")
    kinds = sorted({file.dtypes[band - 1] for band in bands} - set(wanted.types))
    curves = scale_curves(scales_of(file, bands), wanted.scales, bool(kinds))
    fitted = replace(wanted, bands=bands, curves=combined(curves))
    if kinds and not fitted.curves:
        what = f"holds values of type {kinds[0]}, unlike {other} ({' and '.join(wanted.types)})"
        raise LatentclustError.at(name, what, f"Convert it to the type and the scale of {other}")
    if normalise:
        found, notes = normalise(file, fitted, name)
        fitted = replace(fitted, curves=found)
    else:
        notes = tuple(_scales(file, fitted, curves, other))
    warnings = (*odd, *notes, *_nodata(file, fitted, name, other))
    return BandMatch(fitted, (*warnings, *_ranges(file, fitted, name, other)), by_name)


def _places(
    file: DatasetReader, wanted: BandReading, name: str, other: str
) -> tuple[tuple[int, ...], bool, tuple[str, ...]]:
    """Return the bands to read, counted from 1, whether they were found by name, and a warning if names differ."""
    names, present = wanted.names, descriptions(file, range(1, file.count + 1))
    if count_dates(names) == count_dates(present):  # Stacks of other dates have them in the same order.
        names, present = rank_dates(names), rank_dates(present)
    found = find_bands(names, present)
    places = tuple(at + 1 for at in found if at is not None)
    if wanted.names and len(set(places)) == len(wanted.names):
        return places, True, ()
    labels = descriptions(file, bands_of(file, wanted.bands))
    described = f" ({', '.join(each or 'no name' for each in labels)})" if any(labels) else ""
    _check_count(file, wanted, name, described)
    if not (wanted.names and described):
        return wanted.bands, False, ()
    for band, at, place in zip(wanted.names, found, wanted.bands, strict=True):
        if at is not None and at + 1 != place:
            what = f"bands{described} are those of {other}, {', '.join(wanted.names)}, in another order and not all: "
            what += f"{band} is band {at + 1}, not {place}"
            raise LatentclustError.at(name, what, "Name its bands, or bring them into that order")
    numbers = ", ".join(str(band) for band in wanted.bands)
    odd = f"bands{described} do not have the names of {other}, {', '.join(wanted.names)}; reading bands {numbers}"
    return wanted.bands, False, (odd,)


def _check_count(file: DatasetReader, wanted: BandReading, name: str, described: str) -> None:
    """Raise LatentclustError if a raster whose bands are read by index has another number of bands.

    An alpha channel counts as a band where the others have a band that is read, and its values are not those of a mask.
    """
    count = len(bands_of(file))
    alphas = [band for band in wanted.bands if band <= file.count and band not in bands_of(file)]
    if alphas and count not in wanted.counts and all(is_measured(file, band) for band in alphas):
        count = len(bands_of(file, wanted.bands))
    if count in wanted.counts and max(wanted.bands) <= file.count:
        return
    trained = " or ".join(str(each) for each in wanted.counts)
    reads = f" and reads {', '.join(wanted.names)}" if wanted.names else ""
    what = f"has {count} band(s){described}, and the model was trained on {trained}{reads}"
    raise LatentclustError.at(name, what, "Bring it to the bands of the training data, in their order")


def _nodata(file: DatasetReader, bands: BandReading, name: str, other: str) -> Iterator[str]:
    """Yield a warning for each sign of nodata pixels that the raster does not declare."""
    if bands.declared and bands.nodata is None and not has_mask(file, bands.bands):
        values = " and ".join(f"{value:g}" for value in bands.declared)
        yield f"declares no nodata, unlike {other} ({values}); if it has fill, declare it with --nodata or data.nodata"
    with decoding_errors(name):
        yield from nodata_warnings(file, bands.bands, bands.nodata)


def _scales(file: DatasetReader, bands: BandReading, curves: Sequence[Curve | None], other: str) -> Iterator[str]:
    """Yield a warning for each band that may have another scale than the others, and one for those converted."""
    converted = []
    for at, curve in enumerate(curves):
        found, trained = scales_of(file, [bands.bands[at]])[0], bands.scales[at]
        said, before = (f"scale {scale:g} and offset {offset:g}" for scale, offset in (found, trained))
        told = f"{_band_label(file, bands.bands[at])} has {said}, and {other} had {before}"
        if curve is None:
            yield f"{told}; values are read unscaled"
        elif curve != IDENTITY:
            converted.append(told)
    if converted:
        others = f"; so are {len(converted) - 1} more bands" if len(converted) > 1 else ""
        yield f"{converted[0]}; values are converted to the scale of {other}{others}"


def _ranges(file: DatasetReader, bands: BandReading, name: str, other: str) -> tuple[str, ...]:
    """Return a warning if no sampled value is in the range of a band. Raise LatentclustError if so for every band."""
    if not bands.ranges:
        return ()
    with decoding_errors(name):
        outside = _outside(file, bands)
        if not outside:
            return ()
        values = np.concatenate(list(_sample_windows(file, bands)), axis=1)
    said = "; ".join(_range_text(file, bands, values, at) for at in outside)
    if len(outside) < len(bands.bands):
        return (f"no sampled value is in the range of {other}: {said}",)
    what = f"no sampled value is in the range of {other} in any band: {said}"
    raise LatentclustError.at(name, what, f"Bring it to the scale of {other}")


def _range_text(file: DatasetReader, bands: BandReading, values: NDArray[np.generic], at: int) -> str:
    low, high = np.percentile(values[at].astype(np.float64), PERCENTILES)
    trained = " to ".join(f"{value:g}" for value in bands.ranges[at])
    shares = " to ".join(f"{share:g}" for share in PERCENTILES)
    return f"{_band_label(file, bands.bands[at])} has {low:.4g} to {high:.4g} (percentiles {shares}), not {trained}"


def _outside(file: DatasetReader, bands: BandReading) -> tuple[int, ...]:
    """Return the bands, counted from 0, that have values but none within their range."""
    low, high = np.array(bands.ranges, np.float64).T[:, :, np.newaxis]
    inside = np.zeros(len(bands.bands), np.bool_)
    seen = False
    for values in _sample_windows(file, bands):
        inside |= ((values >= low) & (values <= high)).any(axis=1)
        seen = seen or values.size > 0
        if inside.all():
            break
    return tuple(int(at) for at in np.flatnonzero(~inside)) if seen else ()


def _sample_windows(file: DatasetReader, bands: BandReading) -> Iterator[NDArray[np.generic]]:
    """Yield the valid values `(c, n)` of windows spread over a scene."""
    for window in spread_windows(file, bands.bands[0]):
        values, valid = read_values(file, bands, window)
        yield values[:, valid]


def spread_windows(file: DatasetReader, band: int) -> Iterator[Window]:
    """Yield windows spread over a scene that decode few blocks of a band, counted from 1."""
    blocks = file.block_shapes[band - 1]
    for top, height in _spans(file.height, blocks[0]):
        for left, width in _spans(file.width, blocks[1]):
            yield Window(left, top, width, height)


def scene_notes(file: DatasetReader, scene: Scene) -> tuple[str, ...]:
    """Return warnings about the mask of an open scene, and about Sentinel-2 metadata of another product near it."""
    if scene.stack:
        return tuple(_notes_of_dates(scene))
    note = sentinel_note(scene) if NO_TAG in scales_of(file, bands_of(file)) else ""
    notes = (note,) if note else ()
    if scene.mask is None:
        return notes
    with decoding_errors(scene.name):
        return (*notes, *mask_notes(file, scene.mask, spread_windows(file, mask_band(file) or 1)))


def _notes_of_dates(scene: Scene) -> Iterator[str]:
    for day, member in zip(scene.dates, scene.stack, strict=True):
        if member.mask or member.parts:
            with open_raster(member) as file:
                yield from (f"{day}: {note}" for note in scene_notes(file, member))


def _spans(whole: int, block: int) -> list[tuple[int, int]]:
    """Return first pixel and length of windows spread over an axis, each in the middle of its share.

    They start at blocks, unless blocks are longer than a share, so that few blocks are decoded.
    """
    count = min(SAMPLE_GRID, -(-whole // SAMPLE_WINDOW))
    share = whole / count
    starts = [max(0, int((each + 0.5) * share - SAMPLE_WINDOW / 2)) for each in range(count)]
    begun = [start - start % block if block <= share else start for start in starts]
    return [(start, min(SAMPLE_WINDOW, whole - start)) for start in dict.fromkeys(begun)]


def _band_label(file: DatasetReader, band: int) -> str:
    said = descriptions(file, [band])[0]
    return f"band {band} ({said})" if said else f"band {band}"
