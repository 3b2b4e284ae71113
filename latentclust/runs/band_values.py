"""The original values of images: those of the rasters that they are windows of, or the stored ones."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from latentclust.data.raster_windows import WindowSource
from latentclust.data.rasters import read_values
from latentclust.data.scenes.opening import raster
from latentclust.specs.data import ImageSource
from latentclust.specs.scenes import Scene

COLOURS = ("red", "green", "blue")

ROWS = 256
"""Number of rows of a scene that are read at a time."""


def band_names(source: ImageSource) -> list[str]:
    """Return the name of each band of the images: as in the raster, or its number there, or its colour."""
    if isinstance(source, WindowSource):
        reading = source.windows.reading
        return list(reading.names) or _colours(source.windows.scenes[0], reading.bands)
    channels = source.shape[0]
    by_count = {1: ["grey"], len(COLOURS): list(COLOURS)}
    return by_count.get(channels) or [f"channel {number}" for number in range(1, channels + 1)]


def _colours(scene: Scene, bands: Sequence[int]) -> list[str]:
    """Return the colours of bands without names, if the raster says that they are all colours; else their numbers."""
    with raster(scene) as file:
        kinds = [file.colorinterp[number - 1].name for number in bands]
    return kinds if set(kinds) <= set(COLOURS) else [f"band {number}" for number in bands]


def value_kind(source: ImageSource) -> str:
    """Return what the values of the bands are."""
    if isinstance(source, WindowSource):
        return "values of the raster"
    return "stored values, 0 to 255" if source.dtype == np.uint8 else "stored values"


def read_image(source: ImageSource, index: int, step: int) -> NDArray[Any]:
    """Return the original values `(c, h, w)` of every `step`-th pixel of an image, in each axis."""
    if not isinstance(source, WindowSource):
        stored: NDArray[Any] = source.read(np.array([index]))[0][:, ::step, ::step]
        return stored
    windows = source.windows
    scene, row, column = windows.places[index]
    with raster(windows.scenes[scene]) as file:
        values, _ = read_values(file, windows.readings[scene], Window(column, row, windows.side, windows.side))
    return values[:, ::step, ::step]


def read_rows(source: WindowSource, scene: int, step: int) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield the original values `(c, h, w)` of every `step`-th pixel of a scene, some rows at a time.

    Args:
        source: Windows of scenes.
        scene: Position of the scene.
        step: Distance in pixels between the pixels, in each axis.

    Yields:
        Number of the rows that were yielded before, and the values.
    """
    height_at_once = step * max(1, ROWS // step)
    with raster(source.windows.scenes[scene]) as file:
        for top in range(0, file.height, height_at_once):
            window = Window(0, top, file.width, min(height_at_once, file.height - top))
            values, _ = read_values(file, source.windows.readings[scene], window)
            yield top // step, values[:, ::step, ::step]


def sorted_bands(source: ImageSource, names: Sequence[str]) -> NDArray[np.int64]:
    """Return the order in which bands are shown: by their number in the raster, or as they are."""
    order = source.windows.reading.bands if isinstance(source, WindowSource) else range(len(names))
    return np.argsort(np.array(order), kind="stable")
