"""Positions of the pixels of a raster on the ground, and the areas of polygons there."""

import math
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.transform import IDENTITY, Affine

from latentclust.labelling.scenes.georeference import Georeference

Polygons = NDArray[np.object_]
"""Shapely polygons `(n,)`."""


@dataclass(frozen=True, slots=True)
class EqualArea:
    """The cylindrical equal-area projection of an ellipsoid, in which parallels and meridians are straight.

    A geodesic area would not be exact: edges of pixels follow parallels, which are not geodesics.

    Attributes:
        projection: The projection, in metres. Longitudes are not wrapped.
        unit: Unit of longitudes and latitudes in radians.
    """

    projection: pyproj.Proj
    unit: float

    def project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Project longitudes and latitudes `(n, 2)`. Latitudes beyond a pole are set to the pole."""
        longitudes, latitudes = (points * self.unit).T
        latitudes = np.clip(latitudes, -np.pi / 2, np.pi / 2)
        return np.stack(self.projection(longitudes, latitudes, radians=True), axis=1)


@dataclass(frozen=True, slots=True)
class GroundArea:
    """The position of a raster on the ground, for coordinates and areas of polygons.

    Attributes:
        transform: Transform from columns and rows to coordinates; the identity if the raster has none.
        crs: Coordinate reference system as WKT. None if it or the transform is missing.
        unit: Unit of the coordinates of a projected CRS in metres. None for other rasters.
        equal_area: Projection for areas in a geographic CRS. None for other rasters.
        centre: Column and row of the pixel in the middle of the raster.
        diagonal: Whether polygons may have edges that are not parallel to the edges of pixels.
    """

    transform: Affine
    crs: str | None
    unit: float | None
    equal_area: EqualArea | None
    centre: tuple[int, int]
    diagonal: bool = False

    @classmethod
    def from_dataset(cls, raster: DatasetReader) -> "GroundArea":
        """Read the position of an open raster. Ground control points count as no position."""
        return cls.from_georeference(Georeference.from_dataset(raster))

    @classmethod
    def from_georeference(cls, where: Georeference) -> "GroundArea":
        """Return the position of a raster. Ground control points count as no position."""
        transform = IDENTITY if where.points or where.transform is None else where.transform
        crs = None if transform.is_identity or not where.crs else where.crs.to_wkt()
        height, width = where.extent
        return cls(transform, crs, *_measures(crs), (width // 2, height // 2))

    @property
    def pixel_area(self) -> float | None:
        """Pixel area in square metres, in a geographic CRS that of the middle pixel. None if areas are unknown."""
        column, row = self.centre
        area = float(self.areas(np.array([shapely.box(column, row, column + 1, row + 1)], object))[0])
        return None if np.isnan(area) else area

    def to_coordinates(self, polygons: Polygons) -> Polygons:
        """Transform polygons from columns and rows to coordinates."""
        to = self.transform
        matrix, origin = np.array([[to.a, to.d], [to.b, to.e]]), np.array([to.c, to.f])
        moved: Polygons = shapely.transform(polygons, lambda points: points @ matrix + origin)
        return moved

    def areas(self, polygons: Polygons) -> NDArray[np.float64]:
        """Return the areas `(n,)` in square metres of polygons of columns and rows.

        Areas are planar in a projected CRS, on the ellipsoid in a geographic one, where edges are straight in longitude
        and latitude, and NaN otherwise.
        """
        areas: NDArray[np.float64]
        if self.equal_area is not None:
            if self.diagonal or not self.transform.is_rectilinear:
                # Straight edges across latitudes are curves in the projection, so they are divided at every pixel.
                polygons = shapely.segmentize(polygons, 1)
            areas = shapely.area(shapely.transform(self.to_coordinates(polygons), self.equal_area.project))
            return areas
        scale = np.nan if self.unit is None else abs(self.transform.determinant) * self.unit**2
        areas = shapely.area(polygons) * scale
        return areas

    def pixel_areas(self, top: int, left: int, shape: tuple[int, int]) -> NDArray[np.float64]:
        """Return the areas in square metres of the pixels of a rectangle, in a shape that broadcasts to `shape`.

        Args:
            top: First row.
            left: First column.
            shape: Number of rows and columns.
        """
        if self.equal_area is None:
            return self.areas(np.array([shapely.box(0, 0, 1, 1)], object))[:, np.newaxis]
        # Rows are parallels in most rasters, so that their pixels have the same area.
        columns = 1 if self.transform.b == self.transform.d == 0 else shape[1]
        rows = np.arange(top, top + shape[0] + 1, dtype=np.float64)
        places = np.stack(np.meshgrid(np.arange(left, left + columns + 1, dtype=np.float64), rows), axis=2)
        to = self.transform
        matrix, origin = np.array([[to.a, to.d], [to.b, to.e]]), np.array([to.c, to.f])
        corners = self.equal_area.project(places.reshape(-1, 2) @ matrix + origin).reshape(places.shape)
        (one_x, one_y), (two_x, two_y) = (
            np.moveaxis(diagonal, 2, 0)
            for diagonal in (corners[1:, 1:] - corners[:-1, :-1], corners[1:, :-1] - corners[:-1, 1:])
        )
        areas: NDArray[np.float64] = np.abs(one_x * two_y - one_y * two_x) / 2
        return areas


def area_in_pixels(area: float, pixel_area: float | None) -> int:
    """Return the number of pixels that cover an area in square metres; `area` rounded up if `pixel_area` is None."""
    # Rounded first, so that 0.3 m² are three pixels of 0.1 m².
    return math.ceil(round(area / (pixel_area or 1), 6))


def _measures(crs: str | None) -> tuple[float | None, EqualArea | None]:
    """Return the unit of a projected CRS in metres, and the projection for areas in a geographic CRS."""
    if crs is None:
        return None, None
    system = pyproj.CRS.from_wkt(crs)
    unit = system.axis_info[0].unit_conversion_factor if system.axis_info else 0.0
    if system.is_projected:
        return unit or None, None
    geod = system.get_geod() if system.is_geographic and not system.is_derived else None
    if geod is None:
        return None, None
    return None, EqualArea(pyproj.Proj(proj="cea", a=geod.a, es=geod.es, over=True), unit)
