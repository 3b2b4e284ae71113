"""Square windows of rasters: drawn at random where there is data, and read when they are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from latentclust.data.rasters import BandReading, Ranges, as_bytes, band_reading, has_gaps, raster, read_window
from latentclust.errors import LatentclustError
from latentclust.specs.data import ImageSource, MaskSource
from latentclust.tensors import Shape

TRIES = 50
"""How many windows are drawn, for each one wanted, before a scene is said to have too few."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Square windows of scenes, and how they are read.

    Attributes:
        scenes: The rasters.
        places: `(n, 3)`: scene, first row, first column of each window, counted from 0.
        side: Of a window, in pixels.
        bands: Those read of each scene, counted from 1.
        ranges: For each band the values that become 0 and 255; none for bytes that are taken as they are.
    """

    scenes: tuple[Path, ...]
    places: NDArray[np.int64]
    side: int
    bands: tuple[int, ...]
    ranges: Ranges

    def read(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """The images `(m, c, side, side)` of some windows, and which pixels are data `(m, side, side)`.

        Raises:
            LatentclustError: A raster that is gone or damaged.
        """
        images = np.empty((len(indices), len(self.bands), self.side, self.side), np.uint8)
        valid = np.empty((len(indices), self.side, self.side), np.bool_)
        places = self.places[indices]
        for scene in np.unique(places[:, 0]):
            with raster(self.scenes[scene]) as file:
                for index in np.flatnonzero(places[:, 0] == scene):
                    _, row, column = places[index]
                    values, valid[index] = read_window(file, self.bands, Window(column, row, self.side, self.side))
                    images[index] = as_bytes(values, valid[index], self.ranges)
        return images, valid

    def reading(self) -> BandReading:
        """How the scenes are read; raises LatentclustError where one is gone or damaged."""
        return band_reading(self.scenes, self.bands, self.ranges)


class WindowSource(ImageSource):
    """Windows of rasters as images.

    Attributes:
        windows: Where they lie; `read_scene` reads a whole scene with their `bands` and `ranges`.
    """

    def __init__(self, windows: Windows) -> None:
        """Reads some windows."""
        self.windows = windows
        self.shape: Shape = (len(windows.bands), windows.side, windows.side)
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)

    def __len__(self) -> int:
        """How many windows there are."""
        return len(self.windows.places)

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """The images `(len(indices), c, side, side)`."""
        return self.windows.read(indices)[0]


class WindowMasks(MaskSource):
    """Which pixels of windows are data."""

    def __init__(self, windows: Windows) -> None:
        """Reads the masks of the same windows."""
        self._windows = windows

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        """The masks `(len(indices), side, side)`."""
        return self._windows.read(indices)[1]


def draw_windows(
    scenes: Sequence[Path], bands: Sequence[int], side: int, count: int, max_nodata: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Places `(count, 3)` of windows that differ: scene, row, column; every place that will do is equally likely.

    Args:
        scenes: The rasters.
        bands: Those that must hold data, counted from 1.
        side: Of a window, in pixels.
        count: How many.
        max_nodata: The share of a window's pixels that may be no data.
        rng: Decides.

    Raises:
        LatentclustError: A scene smaller than a window, or too few windows that will do.
    """
    extents = np.array([_free(path, side) for path in scenes])
    places = np.prod(extents, axis=1)
    if places.sum() < count:
        what = f"{count:,} windows of {side}x{side}, and the scenes have {places.sum():,} places for one"
        raise LatentclustError.at("data.windows", what, f"Set at most {places.sum()}, or a smaller data.window")
    seen: dict[tuple[int, int, int], bool] = {}
    tried = 0
    while sum(seen.values()) < count and tried < TRIES * count:
        scene = rng.choice(len(scenes), size=count, p=places / places.sum())
        drawn = np.column_stack([scene, rng.integers(0, extents[scene])])
        tried += count
        fresh = [place for place in dict.fromkeys(map(tuple, drawn.tolist())) if place not in seen]
        seen |= _suits(scenes, bands, side, fresh, max_nodata)
    found = [place for place, suits in seen.items() if suits]
    if len(found) < count:
        what = f"{len(found):,} of {count:,} windows of {side}x{side} found, each with at most {max_nodata:.0%} nodata"
        fix = "Lower data.windows or data.window, or raise data.max_nodata"
        raise LatentclustError.at("data.windows", f"{what}, in {tried:,} draws", fix)
    return np.array(found[:count], np.int64)


def _free(path: Path, side: int) -> tuple[int, int]:
    """How many rows and columns a window may begin at."""
    with raster(path) as file:
        height, width = file.height, file.width
    if min(height, width) < side:
        what = f"is {width}x{height} pixels (w x h), smaller than a window of {side}x{side}"
        raise LatentclustError.at(str(path), what, "Lower data.window, or leave the scene out")
    return height - side + 1, width - side + 1


def _suits(
    scenes: Sequence[Path], bands: Sequence[int], side: int, places: Sequence[tuple[int, ...]], max_nodata: float
) -> dict[tuple[int, int, int], bool]:
    """Whether windows have enough data, read only where a raster can lack some."""
    found: dict[tuple[int, int, int], bool] = {}
    for scene in sorted({place[0] for place in places}):
        with raster(scenes[scene]) as file:
            gaps = has_gaps(file, bands)
            for _, row, column in (place for place in places if place[0] == scene):
                window = Window(column, row, side, side)
                share = np.mean(~read_window(file, bands, window)[1]) if gaps else 0.0
                found[scene, row, column] = bool(share <= max_nodata)
    return {(a, b, c): found[a, b, c] for a, b, c in places}
