"""Square windows of rasters as training samples: drawn at random where there are valid pixels, read on demand."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from latentclust.data.rasters import BandReading, as_bytes, has_gaps, read_values, read_window
from latentclust.data.scenes.opening import raster
from latentclust.errors import LatentclustError
from latentclust.specs.data import ImageSource, MaskSource
from latentclust.specs.scenes import Scene
from latentclust.tensors import Shape

Value = TypeVar("Value")

TRIES = 50
"""Largest number of draws per requested window."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Square windows of scenes with their bands and value ranges.

    Attributes:
        scenes: Rasters.
        places: Scene, first row and first column of each window, `(n, 3)`, counted from 0.
        side: Window size in pixels.
        readings: Band reading of each raster. They differ in the positions of the bands and in curves.
    """

    scenes: tuple[Scene, ...]
    places: NDArray[np.int64]
    side: int
    readings: tuple[BandReading, ...]

    def read(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return the images `(m, c, side, side)` of some windows, and their valid pixels `(m, side, side)`.

        Raises:
            LatentclustError: If a raster is missing or damaged.
        """
        images = np.empty((len(indices), len(self.reading.bands), self.side, self.side), np.uint8)
        valid = np.empty((len(indices), self.side, self.side), np.bool_)
        places = self.places[indices]
        for scene in np.unique(places[:, 0]):
            reading = self.readings[scene]
            with raster(self.scenes[scene]) as file:
                for index in np.flatnonzero(places[:, 0] == scene):
                    _, row, column = places[index]
                    window = Window(column, row, self.side, self.side)
                    values, valid[index] = read_values(file, reading, window)
                    images[index] = as_bytes(values, valid[index], reading.ranges)
        return images, valid

    @property
    def reading(self) -> BandReading:
        """Band reading of the first raster, which that of others is matched with."""
        return self.readings[0]


class WindowSource(ImageSource):
    """Windows of rasters as images.

    Attributes:
        windows: The windows; `read_scene` reads a complete scene with one of their `readings`.
    """

    def __init__(self, windows: Windows) -> None:
        self.windows = windows
        self.shape: Shape = (len(windows.reading.bands), windows.side, windows.side)
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.windows.places)

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return the images `(len(indices), c, side, side)`."""
        return self.windows.read(indices)[0]


class WindowMasks(MaskSource):
    """The valid pixels of windows.

    Args:
        windows: The windows.
    """

    def __init__(self, windows: Windows) -> None:
        self._windows = windows

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the masks `(len(indices), side, side)`."""
        return self._windows.read(indices)[1]


def draw_windows(
    scenes: Sequence[Scene],
    readings: Sequence[BandReading],
    side: int,
    count: int,
    max_nodata: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Draw distinct windows; all suitable positions are equally likely.

    Args:
        scenes: Rasters.
        readings: Band reading of each raster, which decides which pixels are valid.
        side: Window size in pixels.
        count: Number of windows.
        max_nodata: Largest fraction of nodata pixels in a window.
        rng: The only source of randomness.

    Returns:
        Scene, first row and first column of each window, `(count, 3)`, counted from 0.

    Raises:
        LatentclustError: If a scene is smaller than a window, or there are too few suitable windows.
    """
    extents = np.array([_free(scene, side) for scene in scenes])
    places = np.prod(extents, axis=1)
    if places.sum() < count:
        what = f"{count:,} windows of {side}x{side} exceed the {places.sum():,} positions in the scenes"
        raise LatentclustError.at("data.windows", what, f"Set at most {places.sum()}, or a smaller data.window")
    seen: dict[tuple[int, int, int], bool] = {}
    tried = 0
    while sum(seen.values()) < count and tried < TRIES * count:
        scene = rng.choice(len(scenes), size=count, p=places / places.sum())
        drawn = np.column_stack([scene, rng.integers(0, extents[scene])])
        tried += count
        fresh = [place for place in dict.fromkeys(map(tuple, drawn.tolist())) if place not in seen]
        seen |= _are_valid(scenes, readings, side, fresh, max_nodata)
    found = [place for place, is_valid in seen.items() if is_valid]
    if len(found) < count:
        what = f"{len(found):,} of {count:,} windows of {side}x{side} found, each with at most {max_nodata:.0%} nodata"
        fix = "Lower data.windows or data.window, or raise data.max_nodata"
        raise LatentclustError.at("data.windows", f"{what}, in {tried:,} draws", fix)
    return np.array(found[:count], np.int64)


def _free(scene: Scene, side: int) -> tuple[int, int]:
    """Return the number of rows and columns that a window can begin at."""
    with raster(scene) as file:
        height, width = file.height, file.width
    if min(height, width) < side:
        what = f"is {width}x{height} pixels (w x h), smaller than a window of {side}x{side}"
        raise LatentclustError.at(scene.name, what, "Lower data.window, or exclude the scene")
    return height - side + 1, width - side + 1


def _are_valid(
    scenes: Sequence[Scene],
    readings: Sequence[BandReading],
    side: int,
    places: Sequence[tuple[int, ...]],
    max_nodata: float,
) -> dict[tuple[int, int, int], bool]:
    """Return whether windows have enough valid pixels. Only rasters that can contain nodata are read."""
    found: dict[tuple[int, int, int], bool] = {}
    for scene in sorted({place[0] for place in places}):
        bands, nodata = readings[scene].bands, readings[scene].nodata
        with raster(scenes[scene]) as file:
            gaps = has_gaps(file, bands, nodata)
            for _, row, column in (place for place in places if place[0] == scene):
                window = Window(column, row, side, side)
                share = np.mean(~read_window(file, bands, window, nodata=nodata)[1]) if gaps else 0.0
                found[scene, row, column] = bool(share <= max_nodata)
    return {(a, b, c): found[a, b, c] for a, b, c in places}


def read_scene(scene: Scene | Path, reading: BandReading) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Read a complete raster in the form of its windows.

    Args:
        scene: Raster.
        reading: Band reading of the windows.

    Returns:
        The image `(c, h, w)`, and its valid pixels `(h, w)`; invalid pixels are 0 in the image.

    Raises:
        LatentclustError: If the file is missing, damaged or not a raster.
    """
    with raster(scene) as file:
        values, valid = read_values(file, reading)
    return as_bytes(values, valid, reading.ranges), valid
