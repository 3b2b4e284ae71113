"""The way of points from a coordinate system to a raster's, and back."""

from dataclasses import dataclass
from math import tau

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from rasterio.warp import transform

Points = NDArray[np.float64]
"""Points `(n, 2)`: x and y, longitude and latitude, or column and row."""


class CannotTellError(Exception):
    """It cannot be told where something lies in a raster; says why."""


@dataclass(frozen=True, slots=True)
class Way:
    """From a coordinate system to a raster.

    Attributes:
        start: The coordinate system.
        end: The raster's.
        transform: From columns and rows to the raster's coordinates.
        size: Columns and rows.
    """

    start: CRS
    end: CRS
    transform: Affine
    size: tuple[int, int]

    @classmethod
    def to(cls, file: DatasetReader, start: CRS) -> "Way":
        """To an opened raster that has a coordinate system and a transform."""
        return cls(start, file.crs, file.transform, (file.width, file.height))

    def forth(self, points: Points) -> Points:
        """Points in the raster's coordinates; raises CannotTellError where any has no place there."""
        return _transformed(self.start, self.end, points)

    def back(self, points: Points) -> Points:
        """Points of the raster in the other coordinates; raises CannotTellError where any has no place there."""
        return _transformed(self.end, self.start, points)

    def near(self, points: Points, others: Points) -> Points:
        """The raster's coordinates, whole turns further where a longitude is nearer to another one then."""
        turn = turn_of(self.end)
        if turn is None:
            return points
        return points + (turn, 0) * np.round((others[:, :1] - points[:, :1]) / turn)

    def pixels(self, points: Points) -> Points:
        """Columns and rows of the raster's coordinates."""
        return moved_points(points, ~self.transform)

    def places(self, pixels: Points) -> Points:
        """The raster's coordinates of columns and rows."""
        return moved_points(pixels, self.transform)


def turn_of(crs: CRS) -> float | None:
    """A full turn in the units of a geographic coordinate system; None for others."""
    return round(tau / crs.units_factor[1], 9) if crs.is_geographic else None


def moved_points(points: Points, to: Affine) -> Points:
    """Points that an affine transform has been applied to."""
    x, y = points.T
    return np.stack((to.a * x + to.b * y + to.c, to.d * x + to.e * y + to.f), axis=1)


def _transformed(start: CRS, end: CRS, points: Points) -> Points:
    try:
        found = np.stack(transform(start, end, *points.T), axis=1)
    except Exception as error:  # GDAL's own errors have no common base that is public
        raise CannotTellError(str(error)) from error
    if not np.isfinite(found).all():
        raise CannotTellError("some of it has no place there")
    return found
