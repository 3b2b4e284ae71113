"""What a new recipe is told by the pixels and headers of scenes: bands, nodata, value ranges and a window size."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from latentclust.data.rasters import BandReading, bands_of
from latentclust.data.roots import data_roots
from latentclust.data.scenes.discover import find_scenes
from latentclust.data.scenes.opening import raster
from latentclust.data.scenes.readings import read_alike
from latentclust.data.undeclared_nodata import border_fill
from latentclust.errors import LatentclustError
from latentclust.recipe.show import inline
from latentclust.specs.scenes import Scene

SIDES = (64, 32, 16, 8)
"""Window sizes in pixels. The largest is chosen of which two lie side by side in every scene."""

SHOWN = 8
"""Largest number of bands whose value ranges are shown."""

OPTION = "--from"


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found in scenes.

    Attributes:
        sizes: Height and width of each scene in pixels.
        reading: Band reading of the first scene, with its value ranges.
        fill: Value of nodata pixels that the rasters do not declare. None without such.
        window: Window size in pixels.
    """

    sizes: tuple[tuple[int, int], ...]
    reading: BandReading
    fill: float | None
    window: int

    @property
    def pixels(self) -> int:
        """Number of pixels of all scenes."""
        return sum(height * width for height, width in self.sizes)

    @property
    def options(self) -> dict[str, Any]:
        """Keys of the table `data` that the scenes need."""
        bands = {"bands": list(self.reading.names)} if self.reading.names else {}
        return bands | ({} if self.fill is None else {"nodata": self.fill})

    @property
    def text(self) -> str:
        """A sentence with sizes, bands and types."""
        height, width = self.sizes[0]
        scenes = f"The scene has {width} x {height} pixels (width x height)"
        if len(self.sizes) > 1:
            scenes = f"{len(self.sizes):,} scenes have {self.pixels:,} pixels"
        return f"{scenes} and {len(self.reading.bands)} band(s) of type {' and '.join(self.reading.types)}."

    @property
    def bands_line(self) -> str:
        """The line of the key `bands`."""
        if self.reading.names:
            return f"bands = {inline(list(self.reading.names))}"
        return f"# bands = {inline(list(self.reading.bands))} # counted from 1; by default all except alpha"

    @property
    def nodata_line(self) -> str:
        """The line of the key `nodata`."""
        if self.fill is not None:
            what = "undeclared, and alone in parts of the border in all bands; remove the line if it is measured"
            return f"nodata = {_number(self.fill)} # {what}"
        if self.reading.declared:
            return f"# nodata = {_number(self.reading.declared[0])} # declared by the raster, and read without this key"
        return "# nodata = 0 # no nodata value is declared or fills parts of the border"

    @property
    def range_line(self) -> str:
        """The line of the key `range`."""
        if not self.reading.ranges:
            return "# range = [0, 255] # bytes are read as they are"
        shown = ", ".join(f"{low:.6g} to {high:.6g}" for low, high in self.reading.ranges[:SHOWN])
        more = ", ..." if len(self.reading.ranges) > SHOWN else ""
        low, high = min(low for low, _ in self.reading.ranges), max(high for _, high in self.reading.ranges)
        what = "values that become 0 and 255 in all bands; by default percentiles 2 and 98 of each band, here"
        return f"# range = [{low:.6g}, {high:.6g}] # {what}\n#   {shown}{more}"


def survey(given: str) -> Survey:
    """Look at scenes: headers, pixels of the border, and a coarse sample of the values.

    Args:
        given: What the key `data.path` of rasters takes.

    Raises:
        LatentclustError: If there is no raster, or one cannot be read, is too small, or has no valid pixel.
    """
    scenes = find_scenes([given], roots=data_roots(), where=(OPTION, OPTION))
    sizes, fills = [], Counter[float]()
    for scene in scenes:
        with raster(scene) as file:
            sizes.append((file.height, file.width))
            fill = border_fill(file, bands_of(file))
        fills.update([] if fill is None else [fill])
    window = _window(scenes, sizes)
    fill = max(fills, key=lambda value: fills[value], default=None)
    return Survey(tuple(sizes), read_alike(scenes, None, window, fill).rasters[0], fill, window)


def _window(scenes: Sequence[Scene], sizes: Sequence[tuple[int, int]]) -> int:
    """Return the window size. Raise LatentclustError if a scene is too small for two of the smallest windows."""
    scene, (height, width) = min(zip(scenes, sizes, strict=True), key=lambda each: min(each[1]))
    found = next((side for side in SIDES if 2 * side <= min(height, width)), None)
    if found is None:
        what = f"is {width}x{height} pixels (w x h), smaller than {2 * SIDES[-1]}x{2 * SIDES[-1]}"
        raise LatentclustError.at(scene.name, what, "Name a larger scene")
    return found


def _number(value: float) -> str:
    """Return a number as TOML, without a point if it is a whole one."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
