"""Areas of the values of a label raster in polygons, with pixels on edges counted by their covered fraction."""

from collections.abc import Callable
from typing import Any, final

import numpy as np
import shapely
from exactextract import exact_extract
from exactextract.operation import Operation
from exactextract.raster import RasterSource
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from latentclust.labelling.area.polygon_mask import Polygons
from latentclust.labelling.area.polygon_tiles import TILE, split_into_tiles
from latentclust.labelling.measure.area_tally import AreaTally
from latentclust.labelling.vector.ground_area import GroundArea
from latentclust.labelling.windows.strips import PixelBounds

FULL = 1 - 1e-12
"""Share of a square from which it counts as covered throughout."""


@final
class LabelCoverage:
    """An open label raster that polygons are measured on. Memory holds one square of `TILE` pixels."""

    def __init__(self, file: DatasetReader, values: int, check_stop: Callable[[], None] = lambda: None) -> None:
        """Prepare the measurement.

        Args:
            file: Label raster.
            values: Number of values, including 0 for nodata.
            check_stop: Called before each read. Raises if the user asks to stop.
        """
        self.bounds = PixelBounds(0, 0, file.height, file.width)
        self._values, self._ground = values, GroundArea.from_dataset(file)
        ground = self._ground
        self._known = ground.pixel_area is not None
        self._pixel_area = ground.pixel_area or 1.0
        self._raster = labels = _Labels(file, check_stop)
        self._sources: list[_PixelGrid] = [labels]  # Operations do not keep them alive.
        self._operations = [Operation("unique", "values", labels)]
        if ground.equal_area is None:
            self._operations += [Operation("frac", "shares", labels), Operation("count", "total", labels)]
        else:
            areas = _PixelAreas(file, ground)
            self._sources.append(areas)
            self._pixel_area = 1.0
            self._operations += [Operation("weighted_frac", "shares", labels, areas), Operation("sum", "total", areas)]

    def areas(self, polygons: Polygons) -> NDArray[np.float64]:
        """Return the area of each value in polygons, `(values,)`, in square metres, or in pixels if it is unknown.

        Args:
            polygons: Polygons in columns and rows that do not overlap. What lies beyond the raster does not count.
        """
        areas = np.zeros(self._values, np.float64)
        for tile, part in split_into_tiles(polygons, self.bounds):
            if shapely.area(part).sum() >= FULL * tile.height * tile.width:
                areas += self._areas_throughout(tile)
            else:
                values, found = self._areas_in_part(part)
                areas[values] += found
        return areas

    def _areas_throughout(self, tile: PixelBounds) -> NDArray[np.float64]:
        """Return the area of each value in a rectangle, `(values,)`."""
        tally = AreaTally(self._values, self._ground)
        tally.add(self._raster.read_window(tile.left, tile.top, tile.width, tile.height), tile.top, tile.left)
        return tally.areas if self._known else tally.counts.astype(np.float64)

    def _areas_in_part(self, part: Polygons) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the values in polygons and the area of each, both `(n,)`."""
        flipped = shapely.transform(shapely.multipolygons(part), lambda points: points * (1, -1))
        feature = {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(flipped)}
        (found,) = exact_extract(None, [feature], self._operations, max_cells_in_memory=TILE * TILE)
        facts = found["properties"]
        return facts["values"], facts["shares"] * facts["total"] * self._pixel_area


class _PixelGrid(RasterSource):  # type: ignore[misc]
    """A raster in columns and rows, with rows counted downwards from 0 to -h."""

    def __init__(self, file: DatasetReader, name: str) -> None:
        super().__init__()
        self._extent = (0.0, -float(file.height), float(file.width), 0.0)
        self.set_name(name)

    def res(self) -> tuple[float, float]:
        """Return the size of a pixel."""
        return 1.0, 1.0

    def extent(self) -> tuple[float, float, float, float]:
        """Return west, south, east and north."""
        return self._extent

    def nodata_value(self) -> None:
        """Return None: nodata is a value as the others."""

    def srs_wkt(self) -> None:
        """Return None: columns and rows are no coordinates."""


@final
class _Labels(_PixelGrid):
    """The values of a label raster."""

    def __init__(self, file: DatasetReader, check_stop: Callable[[], None]) -> None:
        super().__init__(file, "labels")
        self._file, self._check_stop = file, check_stop

    def read_window(self, left: int, top: int, width: int, height: int) -> NDArray[Any]:
        """Return the values `(height, width)` of a rectangle, which may be empty."""
        self._check_stop()
        if not height * width:
            return np.zeros((height, width), self._file.dtypes[0])
        values: NDArray[Any] = self._file.read(1, window=Window(left, top, width, height))
        return values


@final
class _PixelAreas(_PixelGrid):
    """The areas of the pixels of a raster in square metres."""

    def __init__(self, file: DatasetReader, ground: GroundArea) -> None:
        super().__init__(file, "areas")
        self._ground = ground

    def read_window(self, left: int, top: int, width: int, height: int) -> NDArray[np.float64]:
        """Return the areas `(height, width)` of a rectangle, which may be empty."""
        if not height * width:
            return np.zeros((height, width), np.float64)
        areas = self._ground.pixel_areas(top, left, (height, width))
        return np.ascontiguousarray(np.broadcast_to(areas, (height, width)))
