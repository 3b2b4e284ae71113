"""The bands and value ranges by which the rasters of a data set are read alike."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from latentclust.data.rasters import (
    PERCENTILES,
    BandReading,
    alpha_bands,
    bands_of,
    descriptions,
    nodata_values,
    read_values,
    scales_of,
    stretch,
)
from latentclust.data.scenes.bands import match_bands, scene_notes
from latentclust.data.scenes.mask_vrt import mask_band
from latentclust.data.scenes.opening import raster
from latentclust.data.scenes.quantiles import band_quantiles
from latentclust.data.scenes.requested import requested_bands
from latentclust.data.scenes.scale_tags import scale_curves
from latentclust.data.undeclared_nodata import is_measured
from latentclust.errors import LatentclustError
from latentclust.specs.scenes import Scene

Bands = tuple[int, ...] | tuple[str, ...]
"""Bands that a recipe requests: numbers, counted from 1, or names, which `find_scenes` adds to the scenes."""

MIN_SAMPLED_SIDE = 512
"""Smallest number of rows and columns of a larger raster that its value range is estimated from."""

MIN_SHARED = 0.1
"""Smallest share of the values of a raster within the range of another one, in any band, if their scale is the same."""


@dataclass(frozen=True, slots=True)
class Readings:
    """How the rasters of a data set are read.

    Attributes:
        rasters: Band reading of each raster. They differ in the positions of the bands and in curves.
        notes: Warnings about the rasters.
    """

    rasters: tuple[BandReading, ...]
    notes: tuple[str, ...]


def read_alike(
    scenes: Sequence[Scene],
    bands: Bands | None,
    window: int,
    nodata: float | None = None,
    scale: tuple[float, float] | None = None,
) -> Readings:
    """Match the bands of rasters with those of the first, and sample their values coarsely for the ranges.

    Args:
        scenes: Rasters.
        bands: Bands to read. None for all except alpha.
        window: Size in pixels of the windows that are read later. The sample has several pixels of each.
        nodata: Value of nodata pixels in addition to those that the rasters declare.
        scale: Values that become 0 and 255 in every band. None for the stretch.

    Raises:
        LatentclustError: If the rasters differ in bands or types, a band is missing, or a raster has no valid pixel or
            complex values.
    """
    headers = [_header(scene, bands, nodata) for scene in scenes]
    _check_counts(scenes, headers, bands)
    first = _joined(headers)
    matches, samples, notes = [], [], []
    for scene in scenes:
        with raster(scene) as file:
            match = match_bands(file, first, scene.name, scene.requested, scenes[0].name)
            samples.append(_sample(file, match.bands, scene, window))
            told = (*_left_out(file, match.bands), *match.warnings, *scene_notes(file, scene))
            notes += [(scene.name, note) for note in told]
        matches.append(match)
    ranges = (scale,) * len(first.bands) if scale else stretch(samples, "data.bands")
    named = all(match.by_name for match in matches)
    known = (scale_curves(each.scales, first.scales, each.types != first.types) for each in headers)
    scales = first.scales if all(None not in curves for curves in known) else ()
    names = first.names if named else ()
    quantiles = band_quantiles(samples)
    rasters = tuple(
        replace(match.bands, ranges=ranges, names=names, scales=scales, quantiles=quantiles) for match in matches
    )
    return Readings(rasters, merge_notes([*notes, *_other_scales(scenes, samples)]))


def _joined(headers: Sequence[BandReading]) -> BandReading:
    """Return the first reading with the numbers of bands and the nodata values of all."""
    declared = {value for header in headers for value in header.declared}
    counts = {count for header in headers for count in header.counts}
    return replace(headers[0], declared=tuple(sorted(declared)), counts=tuple(sorted(counts)))


def _left_out(file: DatasetReader, reading: BandReading) -> Iterator[str]:
    """Yield a note about alpha channels, unless `match_bands` warns of them."""
    alphas = (band for band in alpha_bands(file, reading.bands) if band != mask_band(file))
    masks = [str(band) for band in alphas if not is_measured(file, band)]
    if masks:
        yield f"band {' and '.join(masks)} is flagged as alpha: it is left out, and its zeros are nodata"


def _header(scene: Scene, bands: Bands | None, nodata: float | None) -> BandReading:
    """Return the reading of one raster without value ranges, from its header."""
    with raster(scene) as file:
        read = _positions(file, bands, scene)
        names = descriptions(file, read)
        return BandReading(
            read,
            (),
            tuple(sorted({len(bands_of(file)), len(bands_of(file, read))})),
            tuple(sorted({file.dtypes[band - 1] for band in read})),
            names if all(names) and len(set(names)) == len(names) else (),
            scales_of(file, read),
            nodata,
            nodata_values(file, read),
        )


def _positions(file: DatasetReader, bands: Bands | None, scene: Scene) -> tuple[int, ...]:
    """Return the positions, counted from 1, of the bands that are read. Raise LatentclustError if one is missing."""
    if scene.requested:
        return requested_bands(file, scene.requested, scene.name)
    numbers = tuple(band for band in bands or () if isinstance(band, int))
    for band in numbers:
        if band > file.count:
            what = f"has {file.count} bands, but band {band} is requested"
            raise LatentclustError.at(scene.name, what, "Change data.bands; bands count from 1")
    return numbers or bands_of(file)


def _check_counts(scenes: Sequence[Scene], headers: Sequence[BandReading], bands: Bands | None) -> None:
    """Raise LatentclustError if all bands are read and rasters differ in their number."""
    counts: dict[int, str] = {}
    for scene, header in zip(scenes, headers, strict=True):
        counts.setdefault(len(header.bands), scene.name)
    if bands is None and len(counts) > 1:
        what = " and ".join(f"{name} has {count} bands" for count, name in sorted(counts.items())[:2])
        fix = "Set data.bands to bands that all rasters have, or remove some rasters"
        raise LatentclustError.at("data.path", what, fix)


def _sample(file: DatasetReader, reading: BandReading, scene: Scene, window: int) -> NDArray[Any]:
    """Return valid pixels `(c, n)`, spread over a raster."""
    step = max(1, min(window // 2, min(file.height, file.width) // MIN_SAMPLED_SIDE))
    values, valid = read_values(file, reading, step=step)
    if values.dtype.kind not in "uif":
        what = f"must contain real numbers, got values of type {values.dtype}"
        raise LatentclustError.at(scene.name, what, "Convert it, or remove the scene")
    if not valid.any():
        what = f"has no valid pixels among {valid.size:,} samples, one in {step}x{step} pixels"
        raise LatentclustError.at(scene.name, what, "Check its nodata value, or remove the scene")
    return values[:, valid]


def _other_scales(scenes: Sequence[Scene], samples: Sequence[NDArray[Any]]) -> list[tuple[str, str]]:
    """Return a warning for each raster whose values have hardly anything in common with those of the first."""
    spreads = [np.percentile(each.astype(np.float64), PERCENTILES, axis=1).T for each in samples]
    notes = []
    for scene, values, spread in zip(scenes[1:], samples[1:], spreads[1:], strict=True):
        shared = np.minimum(_shares(values, spreads[0]), _shares(samples[0], spread))
        if shared.max() < MIN_SHARED:
            found, first = (" to ".join(f"{value:.4g}" for value in each[0]) for each in (spread, spreads[0]))
            what = f"has values of another scale than {scenes[0].name}: {found} in its first band, not {first}"
            notes.append((scene.name, what))
    return notes


def _shares(values: NDArray[Any], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of values `(c, n)` within a spread `(c, 2)`, band by band."""
    inside = (values >= spread[:, :1]) & (values <= spread[:, 1:])
    return np.asarray(inside.mean(axis=1))


def merge_notes(notes: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return each note once, with the first raster and the number of others that it is about."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, note in notes:
        found[note].append(name)
    return tuple(
        f"{names[0]}{f' and {len(names) - 1:,} more' if len(names) > 1 else ''}: {note}"
        for note, names in found.items()
    )
