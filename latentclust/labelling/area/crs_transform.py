"""Transforms between a coordinate reference system and a raster, and the bounds of a raster in another system."""

from dataclasses import dataclass
from functools import lru_cache
from math import tau

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS as PyprojCRS
from pyproj import Transformer
from pyproj.exceptions import ProjError
from rasterio.crs import CRS
from rasterio.io import DatasetReader
from rasterio.transform import Affine

from latentclust.labelling.area.polygon_mask import Points

EDGE_POINTS = 33
"""Number of points along each axis of a raster that its bounds are computed from."""

PADDING = 0.01
"""Share of its size by which a rectangle is widened. The sides of a raster bend less than this between the points."""

NEAR_POLE = 1 / 8
"""Distance from a pole, as a share of a raster's longer side, within which its bounds include all longitudes."""

CENTRAL_MERIDIAN = "Longitude of natural origin"
"""Name of the parameter of projections, in degrees."""

Bounds = tuple[float, float, float, float]
"""A rectangle: west, south, east and north."""


class UndefinedTransformError(Exception):
    """Raised if a position in a raster cannot be determined. The message states the reason."""


class TornOutlineError(UndefinedTransformError):
    """Raised if an outline crosses the edge of a raster's map of the world, so that it falls into pieces."""


class OutOfMapError(UndefinedTransformError):
    """Raised if pixels of a raster lie beyond the edge of its map, so that a transform there and back moves them."""


@dataclass(frozen=True, slots=True)
class CrsTransform:
    """A transform between a coordinate reference system and the pixels of a raster.

    Attributes:
        source: Coordinate reference system of the points.
        target: Coordinate reference system of the raster.
        affine: Transform from columns and rows to the raster's coordinates.
        size: Number of columns and rows.
    """

    source: CRS
    target: CRS
    affine: Affine
    size: tuple[int, int]

    @classmethod
    def into_raster(cls, file: DatasetReader, source: CRS) -> "CrsTransform":
        """Return the transform into an open raster that has a CRS and a transform."""
        return cls(source, file.crs, file.transform, (file.width, file.height))

    def to_raster(self, points: Points) -> Points:
        """Return points in the raster's coordinates. Raise UndefinedTransformError if any has none."""
        return _transformed(self.source, self.target, points)

    def from_raster(self, points: Points) -> Points:
        """Return points of the raster in the source CRS. Raise UndefinedTransformError if any has no place there."""
        return _transformed(self.target, self.source, points)

    def nearest_wrap(self, points: Points, others: Points) -> Points:
        """Shift longitudes of the raster by full turns, so that each is as near as possible to another point's."""
        turn = full_turn(self.target)
        if turn is None:
            return points
        return points + (turn, 0) * np.round((others[:, :1] - points[:, :1]) / turn)

    def to_pixels(self, points: Points) -> Points:
        """Return columns and rows of the raster's coordinates."""
        return apply_affine(points, ~self.affine)

    def to_coordinates(self, pixels: Points) -> Points:
        """Return the raster's coordinates of columns and rows."""
        return apply_affine(pixels, self.affine)


def full_turn(crs: CRS) -> float | None:
    """Return a full turn in the units of a geographic CRS, or None for any other CRS."""
    return round(tau / crs.units_factor[1], 9) if crs.is_geographic else None


def map_edge(transform: CrsTransform) -> float | None:
    """Return the longitude at which the raster's map of the world is cut, or None if it has no central meridian."""
    turn, projection = full_turn(transform.source), PyprojCRS.from_wkt(transform.target.to_wkt()).coordinate_operation
    centres = [each.value for each in projection.params if each.name == CENTRAL_MERIDIAN] if projection else []
    return (float(centres[0]) / 360 + 1 / 2) * turn if turn is not None and centres else None


def apply_affine(points: Points, affine: Affine) -> Points:
    """Apply an affine transform to points."""
    x, y = points.T
    return np.stack((affine.a * x + affine.b * y + affine.c, affine.d * x + affine.e * y + affine.f), axis=1)


@lru_cache(maxsize=64)
def _transformer(start: str, end: str) -> Transformer:
    """Return the transformer between two systems, which takes tens of milliseconds to create."""
    return Transformer.from_crs(start, end, always_xy=True)


def _transformed(start: CRS, end: CRS, points: Points) -> Points:
    try:
        found = np.stack(_transformer(start.to_wkt(), end.to_wkt()).transform(*points.T), axis=1)
    except ProjError as error:
        raise UndefinedTransformError(str(error)) from error
    if not np.isfinite(found).all():
        raise UndefinedTransformError("part of it lies outside the domain of the projection")
    return found


@lru_cache(maxsize=64)
def raster_bounds(transform: CrsTransform) -> Bounds:
    """Return the bounds of a raster in the source CRS, slightly widened.

    The bounds contain every pixel, not only the sides as those of `rasterio.warp.transform_bounds`. Longitudes continue
    beyond 180 degrees where the raster crosses the 180th meridian.

    Raises:
        UndefinedTransformError: If part of the raster has no place in the source CRS.
        OutOfMapError: If part of the raster lies beyond the edge of its map of the world.
    """
    across, down = (np.linspace(0, side, EDGE_POINTS) for side in transform.size)
    pixels = np.stack(np.meshgrid(across, down), axis=2).reshape(-1, 2)
    placed = transform.to_coordinates(pixels)
    points = transform.from_raster(placed)
    returned = transform.to_pixels(transform.nearest_wrap(transform.to_raster(points), placed))
    if (np.abs(returned - pixels) > 1 / 2).any():
        raise OutOfMapError(
            "part of the raster lies beyond the edge of its map of the world, for example the 180th meridian"
        )
    turn = full_turn(transform.source)
    if turn is None:
        (west, east), (south, north) = _padded(points[:, 0]), _padded(points[:, 1])
        return west, south, east, north
    return _geographic_bounds(transform, points, turn)


def _geographic_bounds(transform: CrsTransform, points: Points, turn: float) -> Bounds:
    """Return the bounds of points in longitude and latitude. They contain all longitudes if a pole is close."""
    half, quarter = turn / 2, turn / 4
    south, north = _padded(points[:, 1])
    poles = [_contains_pole(transform, latitude) for latitude in (-quarter, quarter)]
    south, north = -quarter if poles[0] else max(south, -quarter), quarter if poles[1] else min(north, quarter)
    if any(poles):
        return -half, south, half, north
    grid = points[:, 0].reshape(EDGE_POINTS, EDGE_POINTS)
    grid = np.unwrap(np.unwrap(grid, axis=1, period=turn), axis=0, period=turn)
    west, east = _padded(grid)
    if grid.min() >= -half and grid.max() <= half:
        west, east = max(west, -half), min(east, half)
    elif east - west > turn:
        west, east = (west + east - turn) / 2, (west + east + turn) / 2
    return west, south, east, north


def _padded(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    return low - PADDING * (high - low), high + PADDING * (high - low)


def _contains_pole(transform: CrsTransform, latitude: float) -> bool:
    """Return whether a pole lies in the raster, or close to it."""
    try:
        pixel = transform.to_pixels(transform.to_raster(np.array([(0, latitude)], float)))[0]
    except UndefinedTransformError:
        return False
    margin = NEAR_POLE * max(transform.size)
    return bool((pixel >= -margin).all() and (pixel <= np.array(transform.size) + margin).all())
