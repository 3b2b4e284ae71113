"""Where the pixels of a raster lie on the ground, and the areas of polygons there."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.transform import IDENTITY, Affine

Polygons = NDArray[np.object_]
"""Of shapely `(n,)`."""

NODES, WEIGHTS = np.polynomial.legendre.leggauss(5)
"""Of Gauss's quadrature along an edge: to ten digits even for one of 90 degrees."""


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """The figure of the Earth that longitudes and latitudes are on.

    Attributes:
        axis: Semi-major, metres.
        eccentricity: Squared.
        unit: Of coordinates, radians.
    """

    axis: float
    eccentricity: float
    unit: float

    def areas(self, polygons: Polygons) -> NDArray[np.float64]:
        """Square metres on the ellipsoid `(n,)`; edges are straight in longitude and latitude, as those of pixels are.

        By Green's theorem the area is the integral, along the boundary over the longitude, of the area between the
        equator and the latitude on one radian of longitude.
        """
        import shapely

        rings, owners = shapely.get_rings(polygons, return_index=True)
        points, ring = shapely.get_coordinates(rings, return_index=True)
        points = points * self.unit
        steps = np.diff(points, axis=0)
        total = np.zeros(len(steps))
        for node, weight in zip(NODES, WEIGHTS, strict=True):
            total += weight / 2 * self._below(points[:-1, 1] + (node + 1) / 2 * steps[:, 1])
        inside = ring[1:] == ring[:-1]
        sizes = np.abs(np.bincount(ring[1:][inside], (total * steps[:, 0])[inside], len(rings)))
        shell = np.diff(owners, prepend=-1) != 0
        return np.bincount(owners, np.where(shell, sizes, -sizes), len(polygons)).astype(np.float64)

    def _below(self, latitudes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Square metres between the equator and latitudes, for each radian of longitude; Snyder 1987, equation 3-12."""
        sine = np.sin(np.clip(latitudes, -np.pi / 2, np.pi / 2))
        root = np.sqrt(self.eccentricity)
        rest = np.arctanh(root * sine) / root if root else sine
        return self.axis**2 * (1 - self.eccentricity) / 2 * (sine / (1 - self.eccentricity * sine**2) + rest)


@dataclass(frozen=True, slots=True)
class Ground:
    """The place of a raster.

    Attributes:
        transform: From columns and rows to coordinates; the identity where the raster has none.
        crs: WKT of the coordinate system; None where it, or the transform, is missing.
        unit: Metres of a coordinate's unit in a projected system; None in others.
        ellipsoid: Of a geographic system; None in others.
        centre: Column and row in the middle of the raster, whole numbers.
    """

    transform: Affine
    crs: str | None
    unit: float | None
    ellipsoid: Ellipsoid | None
    centre: tuple[int, int]

    @classmethod
    def of(cls, raster: DatasetReader) -> "Ground":
        """That of a raster; one that has ground control points alone has no place."""
        transform = IDENTITY if raster.gcps[0] else raster.transform
        crs = None if transform.is_identity or not raster.crs else raster.crs.to_wkt()
        return cls(transform, crs, *_measures(crs), (raster.width // 2, raster.height // 2))

    @property
    def pixel(self) -> float | None:
        """Square metres of a pixel, in a geographic system of that in the middle; None where areas are not known."""
        import shapely

        column, row = self.centre
        area = float(self.areas(np.array([shapely.box(column, row, column + 1, row + 1)], object))[0])
        return None if np.isnan(area) else area

    def placed(self, polygons: Polygons) -> Polygons:
        """Polygons of columns and rows in coordinates of the ground."""
        import shapely

        to = self.transform
        matrix, origin = np.array([[to.a, to.d], [to.b, to.e]]), np.array([to.c, to.f])
        moved: Polygons = shapely.transform(polygons, lambda points: points @ matrix + origin)
        return moved

    def areas(self, polygons: Polygons) -> NDArray[np.float64]:
        """Square metres `(n,)` of polygons of columns and rows, as a projected or a geographic system has them.

        Planar in a projected system, on the ellipsoid in a geographic one, and not a number where there is neither.
        """
        import shapely

        if self.ellipsoid is not None:
            return self.ellipsoid.areas(self.placed(polygons))
        scale = np.nan if self.unit is None else abs(self.transform.determinant) * self.unit**2
        areas: NDArray[np.float64] = shapely.area(polygons) * scale
        return areas


def _measures(crs: str | None) -> tuple[float | None, Ellipsoid | None]:
    """The unit of a projected system, metres, and the ellipsoid of a geographic one; None for what it is not."""
    if crs is None:
        return None, None
    import pyproj

    system = pyproj.CRS.from_wkt(crs)
    unit = system.axis_info[0].unit_conversion_factor if system.axis_info else 0.0
    if system.is_projected:
        return unit or None, None
    geod: Any = system.get_geod() if system.is_geographic and not system.is_derived else None
    return None, Ellipsoid(geod.a, geod.es, unit) if geod else None
