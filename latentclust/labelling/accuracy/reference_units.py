"""The sample units of a reference: points and polygons with a class, and the value of the map at each of them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from latentclust.data.sources import decode_errors
from latentclust.errors import LatentclustError
from latentclust.labelling.area.area_of_interest import AreaOfInterest
from latentclust.labelling.area.point_places import points_to_pixels
from latentclust.labelling.area.polygon_mask import Points, polygon_parts
from latentclust.labelling.measure.zone_file import FeatureLayer, check_valid
from latentclust.labelling.outputs.cog import COG_BLOCK
from latentclust.labelling.outputs.extras import check_extra
from latentclust.labelling.windows.stitch import NO_DATA

OUTSIDE = -1
"""Value of the map at a unit that lies outside it."""


@dataclass(slots=True)
class SampleUnits:
    """The units of a reference and the map at their places.

    Attributes:
        features: Number of each unit's feature in the file, counted from 1.
        mapped: Group of map values at each unit; 0 for nodata, `OUTSIDE` outside the map.
        classes: Class of each unit in the reference.
        points: Number of units that are points.
        polygons: Number of units that are polygons.
        unclassed: Number of features without a class.
        other: Number of features that are neither points nor polygons.
    """

    features: list[int] = field(default_factory=list)
    mapped: list[int] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    points: int = 0
    polygons: int = 0
    unclassed: int = 0
    other: int = 0

    def add(self, feature: int, mapped: int, name: str) -> None:
        """Add a unit."""
        self.features.append(feature)
        self.mapped.append(mapped)
        self.classes.append(name)

    @property
    def outside(self) -> int:
        """Number of units outside the map."""
        return self.mapped.count(OUTSIDE)

    @property
    def nodata(self) -> int:
        """Number of units on nodata."""
        return self.mapped.count(NO_DATA)


@final
class UnitReader:
    """Reads the map at the units of a reference. Memory holds a batch of features and a square of the map."""

    def __init__(self, file: DatasetReader, path: Path, groups: NDArray[np.int64]) -> None:
        """Prepare to read an open map.

        Args:
            file: Map.
            path: Path of the map, for messages.
            groups: Group of each value of the map `(values,)`: its class, or itself. 0 is nodata.
        """
        self._file, self._path, self._groups = file, path, groups
        self._coverage: Any = None

    def read(self, layer: FeatureLayer) -> SampleUnits:
        """Return the units of a layer, whose field has the classes.

        A point is a unit with the value of its pixel. A polygon is a unit with the group that covers most of it,
        where the map has data; of groups of equal area the first one counts.

        Raises:
            LatentclustError: If a file is damaged, polygons are invalid, a library is missing, or the places of units
                in the map cannot be determined.
        """
        units, before = SampleUnits(), 0
        for geometries, names in layer.batches():
            check_valid(geometries, layer.path, before)
            self._add_points(units, layer, geometries, names, before)
            self._add_polygons(units, layer, geometries, names, before)
            known = np.array([bool(name) for name in names])
            dimensions = shapely.get_dimensions(geometries)
            units.unclassed += int(np.count_nonzero(~known))
            units.other += int(np.count_nonzero(known & ((dimensions == 1) | (dimensions < 0))))
            before += len(geometries)
        return units

    def _add_points(
        self, units: SampleUnits, layer: FeatureLayer, geometries: NDArray[np.object_], names: list[str], before: int
    ) -> None:
        chosen = [at for at in np.flatnonzero(shapely.get_dimensions(geometries) == 0).tolist() if names[at]]
        if not chosen:
            return
        points, owner = shapely.get_coordinates(geometries[chosen], return_index=True)
        mapped = self._values_at(points_to_pixels(points, layer.crs, self._file))
        units.points += len(points)
        for index, value in zip(owner.tolist(), mapped.tolist(), strict=True):
            units.add(before + chosen[index] + 1, value, names[chosen[index]])

    def _add_polygons(
        self, units: SampleUnits, layer: FeatureLayer, geometries: NDArray[np.object_], names: list[str], before: int
    ) -> None:
        for at in np.flatnonzero(shapely.get_dimensions(geometries) == 2).tolist():
            if names[at]:
                area = AreaOfInterest(tuple(polygon_parts(geometries[at])), layer.crs, False, str(layer.path))
                units.polygons += 1
                units.add(before + at + 1, self._largest_group(area, layer.path), names[at])

    def _values_at(self, pixels: Points) -> NDArray[np.int64]:
        """Return the groups of the map at columns and rows `(n, 2)`, block by block."""
        found = np.full(len(pixels), OUTSIDE, np.int64)
        size = np.array((self._file.width, self._file.height))
        inside = np.flatnonzero(((pixels >= 0) & (pixels < size)).all(axis=1))
        places = np.floor(pixels[inside]).astype(np.int64)
        blocks, block_of_place = np.unique(places // COG_BLOCK, axis=0, return_inverse=True)
        for number, block in enumerate(blocks):
            here = np.flatnonzero(block_of_place.ravel() == number)
            left, top = (block * COG_BLOCK).tolist()
            width, height = np.minimum(COG_BLOCK, size - (left, top)).tolist()
            with decode_errors(self._path):
                values = self._file.read(1, window=Window(left, top, width, height))
            columns, rows = (places[here] - (left, top)).T
            found[inside[here]] = self._groups[values[rows, columns]]
        return found

    def _largest_group(self, area: AreaOfInterest, reference: Path) -> int:
        """Return the group that covers most of a polygon, 0 if it has no data, or `OUTSIDE`."""
        if self._coverage is None:
            check_extra("zones", f"polygons in {reference}")
            from latentclust.labelling.measure.zone_coverage import LabelCoverage

            self._coverage = LabelCoverage(self._file, len(self._groups))
        polygons = area.to_pixels(self._file, str(self._path))
        areas = self._coverage.areas(polygons) if len(polygons) else np.zeros(len(self._groups))
        if not areas.any():
            return OUTSIDE
        sums = np.bincount(self._groups, areas)
        return int(sums[1:].argmax()) + 1 if sums[1:].any() else NO_DATA


def check_placed(file: DatasetReader, path: Path, layer: FeatureLayer) -> None:
    """Raise LatentclustError if the places of a reference in a map are unknown."""
    if file.transform.is_identity or file.gcps[0]:
        what = "has no transform, which the coordinates of a reference require"
        raise LatentclustError.at(str(path), what, "Give a map with a transform")
    if layer.crs is not None and file.crs is None:
        what = f"has no coordinate reference system, which a reference in {layer.crs} requires"
        raise LatentclustError.at(str(path), what, "Give a map with a coordinate reference system")
