"""Where a raster lies on the map: by its georeference, or in pixel coordinates around latitude and longitude 0.

The map is in web Mercator (EPSG:3857). A raster without a coordinate reference system, with a local one, beyond the
latitudes of web Mercator or across its edge at longitude 180 is placed with its centre at 0, 0 and its pixels as large
as those of zoom level 18.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import pyproj.exceptions
from rasterio.crs import CRS
from rasterio.io import DatasetReader
from rasterio.transform import Affine, array_bounds, from_gcps

MERCATOR = CRS.from_epsg(3857)
GEOGRAPHIC = CRS.from_epsg(4326)

EDGE = math.pi * 6378137.0
"""Largest coordinate of web Mercator in metres."""

PIXEL = 2 * EDGE / 256 / 2**18
"""Size in metres of a pixel without a position: that of a pixel of zoom level 18 at the equator."""

TURN = 360
"""Degrees of longitude around the Earth."""

OVERLAP = 1
"""Degrees by which a raster of the whole Earth may reach beyond longitude 180: half a pixel of a grid of centres."""

BORDER = 32
"""Number of points on each side of a raster at which its longitudes are looked at."""

Bounds = tuple[float, float, float, float]
"""West, south, east, north."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The position of a raster on the map.

    Attributes:
        on_earth: Whether the raster has a place on the Earth. Otherwise it is shown in pixel coordinates.
        crs: Coordinate reference system of `transform`.
        transform: Transform from columns and rows.
        bounds: Bounds in web Mercator in metres.
        size: Height and width in pixels.
    """

    on_earth: bool
    crs: CRS
    transform: Affine
    bounds: Bounds
    size: tuple[int, int]

    @property
    def degrees(self) -> Bounds:
        """Bounds as longitudes and latitudes."""
        west, south, east, north = (_degrees(value) for value in self.bounds)
        return west, _latitude(south), east, _latitude(north)

    @property
    def resolution(self) -> float:
        """Size of a pixel in the metres of web Mercator."""
        west, south, east, north = self.bounds
        height, width = self.size
        return max((east - west) / width, (north - south) / height)


def place(file: DatasetReader, like: Placement | None = None) -> Placement:
    """Return the position of a raster.

    Args:
        file: Open raster.
        like: Position of the scene that the raster was made of, which it shares if it has none and is of equal size.
    """
    size = (file.height, file.width)
    points, crs = file.gcps
    crs, transform = (crs, from_gcps(points)) if points else (file.crs, file.transform)
    bounds = None if transform.is_identity else _mercator_bounds(crs, transform, size)
    if bounds is not None:
        return Placement(True, crs, transform, bounds, size)
    if like is not None and like.size == size:
        return like
    height, width = size
    transform = Affine(PIXEL, 0, -width / 2 * PIXEL, 0, -PIXEL, height / 2 * PIXEL)
    return Placement(False, MERCATOR, transform, array_bounds(height, width, transform), size)


def _mercator_bounds(crs: CRS | None, transform: Affine, size: tuple[int, int]) -> Bounds | None:
    """Return bounds in web Mercator, or None if there are none."""
    if not crs or _crosses_the_edge(crs, transform, size):
        return None
    height, width = size
    corners = [applied(transform, *corner) for corner in ((0, 0), (width, 0), (0, height), (width, height))]
    across, along = zip(*corners, strict=True)
    if crs.is_geographic:
        across = tuple(min(max(each, -TURN / 2), TURN / 2) for each in across)
    try:
        to_mercator = pyproj.Transformer.from_crs(crs.to_wkt(), MERCATOR.to_wkt(), always_xy=True)
        found = to_mercator.transform_bounds(min(across), min(along), max(across), max(along))
    except pyproj.exceptions.ProjError:
        return None
    west, south, east, north = found
    fits = all(math.isfinite(value) and abs(value) <= EDGE * 1.001 for value in found)
    return (west, south, east, north) if fits and west < east and south < north else None


def _crosses_the_edge(crs: CRS, transform: Affine, size: tuple[int, int]) -> bool:
    """Return whether a raster lies on both sides of longitude 180, where its map would fall into two parts."""
    height, width = size
    shares = np.linspace(0, 1, BORDER)
    columns = width * np.concatenate([shares, np.ones(BORDER), shares[::-1], np.zeros(BORDER)])
    rows = height * np.concatenate([np.zeros(BORDER), shares, np.ones(BORDER), shares[::-1]])
    xs, ys = applied(transform, columns, rows)
    if crs.is_geographic:
        allowed = OVERLAP if np.ptp(xs) > TURN - OVERLAP else 0
        return bool(np.abs(xs).max() > TURN / 2 + allowed)
    try:
        to_degrees = pyproj.Transformer.from_crs(crs.to_wkt(), GEOGRAPHIC.to_wkt(), always_xy=True)
    except pyproj.exceptions.ProjError:
        return False
    found = np.asarray(to_degrees.transform(xs, ys)[0])
    found = found[np.isfinite(found)]
    return bool(found.size and np.ptp(np.unwrap(found, period=TURN)) < np.ptp(found) - OVERLAP)


def applied(transform: Affine, column: Any, row: Any) -> tuple[Any, Any]:
    """Return the coordinates of a position, or of several. The operator for it differs between versions of affine."""
    a, b, c, d, e, f = transform[:6]
    return a * column + b * row + c, d * column + e * row + f


def tile_transform(x: int, y: int, zoom: int, side: int) -> Affine:
    """Return the transform of a map tile of `side` pixels, to metres of web Mercator."""
    span = 2 * EDGE / 2**zoom
    return Affine(span / side, 0, x * span - EDGE, 0, -span / side, EDGE - y * span)


def _degrees(metres: float) -> float:
    return metres / EDGE * 180


def _latitude(degrees: float) -> float:
    return math.degrees(2 * math.atan(math.exp(math.radians(degrees))) - math.pi / 2)
