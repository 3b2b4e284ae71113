"""Radiometric normalisation of scenes to the training data: by quantiles, or by pixels shared with another scene."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from latentclust.data.rasters import BandReading, Curve, follow_curves, read_values, read_window
from latentclust.data.scenes.bands import match_bands
from latentclust.data.scenes.grids import grid_of, inner_places, is_placed
from latentclust.data.scenes.opening import decoding_errors, open_raster
from latentclust.data.scenes.quantiles import band_quantiles, matching_curve
from latentclust.errors import LatentclustError
from latentclust.labelling.scenes.unchanged_pixels import fit_unchanged
from latentclust.specs.scenes import Scene

SIDE = 64
"""Size in pixels of the windows that are sampled."""

WINDOWS = 12
"""Largest number of rows and of columns of windows, spread over the sampled area."""

MIN_SHARED = 1000
"""Smallest number of valid pixels that a scene shares with the one that it is brought to."""

MIN_CORRELATION = 0.5
"""Correlation of a band in the shared pixels below which the fit is doubtful."""

MIN_UNCHANGED = 0.5
"""Share of the shared pixels that did not change below which it is told."""


@dataclass(frozen=True, slots=True)
class Normalisation:
    """How the values of each scene are brought to those of the training data.

    Attributes:
        to: Scene with values like those of the training data. Gain and offset of each band are fitted to the pixels
            that a scene shares with it. None to match the quantiles of the training data.
        state: Size and time of the files of that scene.
    """

    to: Scene | None = None
    state: tuple[int, int] = (0, 0)

    def to_json(self) -> str:
        """Return the choice as text for the run log."""
        return f"to {self.to.name}, state {self.state}" if self.to else "histogram"

    def check(self, bands: BandReading) -> None:
        """Raise LatentclustError if the model cannot be normalised to."""
        if self.to is None and not bands.quantiles:
            what = "needs the quantiles of the training data, which the model file does not contain"
            fix = "Retrain the model on rasters with this version, or use --normalise-to SCENE"
            raise LatentclustError.at("--normalise histogram", what, fix)

    def curves(self, file: DatasetReader, bands: BandReading, name: str) -> tuple[tuple[Curve, ...], tuple[str, ...]]:
        """Return the curve of each band of an open scene, and warnings.

        Neither depends on the windows of the labelling.

        Args:
            file: Scene from `open_raster`.
            bands: Its bands, without curves of their own.
            name: Its name, for messages.

        Raises:
            LatentclustError: If it has no valid pixel in the sample, or shares too few with the other scene.
        """
        with decoding_errors(name):
            if self.to is not None:
                return _shared_curves(file, bands, self.to, name)
            found = _sampled(file, replace(bands, curves=()), name)
        matched = zip(band_quantiles([found]), bands.quantiles, strict=True)
        return tuple(matching_curve(here, there) for here, there in matched), ()


def _sampled(file: DatasetReader, bands: BandReading, name: str) -> NDArray[Any]:
    """Return the valid pixels `(c, n)` of windows spread over a scene."""
    pixels = []
    for window in _spread(0, 0, file.height, file.width):
        values, valid = read_values(file, bands, window)
        pixels.append(values[:, valid])
    found = np.concatenate(pixels, axis=1)
    if not found.size:
        raise LatentclustError.at(name, "has no valid pixel to be normalised by", "Leave it out")
    return found


def _spread(top: int, left: int, bottom: int, right: int) -> Iterator[Window]:
    """Yield disjoint windows, each in the middle of its share of an area."""
    for row, height in _spans(top, bottom):
        for column, width in _spans(left, right):
            yield Window(column, row, width, height)


def _spans(first: int, last: int) -> list[tuple[int, int]]:
    count = min(WINDOWS, -(-(last - first) // SIDE))
    cuts = np.linspace(first, last, count + 1).round().astype(int).tolist()
    sizes = [min(SIDE, stop - start) for start, stop in pairwise(cuts)]
    return [((a + b - size) // 2, size) for (a, b), size in zip(pairwise(cuts), sizes, strict=True)]


def _shared_curves(
    file: DatasetReader, bands: BandReading, to: Scene, name: str
) -> tuple[tuple[Curve, ...], tuple[str, ...]]:
    """Return linear curves fitted to the pixels that two scenes share."""
    with open_raster(to) as other:
        wanted = match_bands(other, replace(bands, curves=()), to.name, to.requested).bands
        here, there = _pairs(file, bands, other, wanted, name, to.name)
    fit = fit_unchanged(here, there)
    kept, notes = fit.unchanged & fit.varied, []
    if (share := kept.sum() / fit.varied.sum()) < MIN_UNCHANGED:
        notes.append(
            f"gain and offset are fitted to {share:.0%} of the pixels shared with {to.name}; "
            "the others changed, as clouds do: --mask leaves them out"
        )
    for band, number in enumerate(bands.bands):
        notes.extend(_doubts(here[band], there[band], kept, number, name, to.name))
    return tuple(((0.0, 1.0), (offset, gain + offset)) for gain, offset in fit.lines), tuple(notes)


def _doubts(
    here: NDArray[np.float64], there: NDArray[np.float64], kept: NDArray[np.bool_], band: int, name: str, to: str
) -> Iterator[str]:
    """Yield the warning about the values `(n,)` of a band, if there is one.

    Raises:
        LatentclustError: If the band varies, but not in the pixels that gain and offset are fitted to.
    """
    for one, which in ((here, f"its band {band}"), (there, f"the band of {to} for its band {band}")):
        if np.ptp(one) == 0:
            yield f"{which} is {one[0]:g} in all shared pixels: it gets an offset, but no gain"
            return
        if np.ptp(one[kept]) == 0:
            what = f"has no gain to {to}: {which} is {one[kept][0]:g} in all pixels without change"
            fix = "Leave constant areas out by --mask or --nodata, or use --normalise histogram"
            raise LatentclustError.at(name, what, fix)
    found = np.corrcoef(here[kept], there[kept])[0, 1]
    if not found >= MIN_CORRELATION:
        yield f"its band {band} is hardly related to that of {to} (correlation {found:.2f})"


def _pairs(
    file: DatasetReader, bands: BandReading, other: DatasetReader, wanted: BandReading, name: str, to: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the values `(c, n)` of pixels that are valid in two scenes, those of the second like the training data."""
    if not (is_placed(file) and is_placed(other)):
        what = f"cannot be compared with {to}: not both have a coordinate system and a transform"
        raise LatentclustError.at(name, what, "Add them, or use --normalise histogram")
    columns, rows, inside = inner_places(file, other)
    here: list[NDArray[Any]] = []
    there: list[NDArray[Any]] = []
    if inside.any():
        how = {"resampling": Resampling.nearest, "add_alpha": other.nodata is None and not _has_alpha(other)}
        top, bottom = int(rows[inside].min()), int(rows[inside].max()) + 1
        left, right = int(columns[inside].min()), int(columns[inside].max()) + 1
        with WarpedVRT(other, **grid_of(file), **how) as warped:
            for window in _spread(top, left, bottom, right):
                values, valid = read_window(file, bands.bands, window, nodata=bands.nodata)
                others, covered = read_window(warped, wanted.bands, window, nodata=wanted.nodata)
                both = valid & covered
                here.append(values[:, both])
                there.append(follow_curves(others[:, both], wanted.curves) if wanted.curves else others[:, both])
    count = sum(each.shape[1] for each in here)
    if count < MIN_SHARED:
        what = f"shares {count:,} sampled valid pixels with {to}, and normalisation needs {MIN_SHARED:,}"
        raise LatentclustError.at(name, what, "Name a scene that overlaps it, or use --normalise histogram")
    first, second = (np.concatenate(each, axis=1).astype(np.float64) for each in (here, there))
    return first, second


def _has_alpha(file: DatasetReader) -> bool:
    return "alpha" in [kind.name for kind in file.colorinterp]
