"""The outline of a raster in longitude and latitude, as GeoJSON wants it: cut where it crosses the 180th meridian."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.warp import transform

STEPS = 32
"""Into which each side of a raster is divided, since it bends in another coordinate system."""

TURN, HALF = 360.0, 180.0

Ring = NDArray[np.float64]
"""Points `(n, 2)` of longitude and latitude, not closed."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Where a raster lies.

    Attributes:
        geometry: Of GeoJSON, counterclockwise.
        bbox: West, south, east, north, degrees; west is larger than east where the raster crosses the 180th meridian.
    """

    geometry: dict[str, Any]
    bbox: list[float]


def footprint(file: DatasetReader) -> Footprint | None:
    """That of a raster's whole outline; None where it has no transform, or its place on the Earth is not known."""
    if not file.crs or file.transform.is_identity or file.gcps[0]:
        return None
    try:
        longitudes, latitudes = transform(file.crs, "EPSG:4326", *_outline(file))[:2]
    except RasterioError:
        return None
    ring = np.stack((longitudes, np.clip(latitudes, -90, 90)), axis=1)
    if not np.isfinite(ring).all():
        return None
    return _cut(_around_pole(ring))


def _outline(file: DatasetReader) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates of points along the four sides, each corner once."""
    side = np.arange(STEPS) / STEPS
    columns = np.concatenate((side, np.ones(STEPS), 1 - side, np.zeros(STEPS))) * file.width
    rows = np.concatenate((np.zeros(STEPS), side, np.ones(STEPS), 1 - side)) * file.height
    to = file.transform
    return to.a * columns + to.b * rows + to.c, to.d * columns + to.e * rows + to.f


def _around_pole(ring: Ring) -> Ring:
    """Longitudes without jumps; an outline that goes around a pole is led along it."""
    closed = np.unwrap(np.append(ring[:, 0], ring[0, 0]), period=TURN)
    if abs(closed[-1] - closed[0]) < HALF:
        return np.stack((closed[:-1], ring[:, 1]), axis=1)
    pole = np.copysign(90.0, ring[:, 1].mean())
    latitudes = np.concatenate((ring[:, 1], ring[:1, 1], [pole, pole]))
    return np.stack((np.concatenate((closed, closed[[-1, 0]])), latitudes), axis=1)


def _cut(ring: Ring) -> Footprint:
    """The polygon, or the two on either side of the 180th meridian."""
    ring = ring - (TURN * np.floor((ring[:, 0].min() + HALF) / TURN), 0)
    west, east = float(ring[:, 0].min()), float(ring[:, 0].max())
    south, north = float(ring[:, 1].min()), float(ring[:, 1].max())
    if east <= HALF:
        return Footprint({"type": "Polygon", "coordinates": [_closed(ring)]}, [west, south, east, north])
    parts = [_closed(_clipped(ring, 1)), _closed(_clipped(ring, -1) - (TURN, 0))]
    if east - west >= TURN:
        west, east = -HALF, HALF + TURN
    geometry = {"type": "MultiPolygon", "coordinates": [[part] for part in parts]}
    return Footprint(geometry, [west, south, east - TURN, north])


def _clipped(ring: Ring, side: int) -> Ring:
    """The part of a polygon to the west (1) or to the east (-1) of 180 degrees; Sutherland and Hodgman 1974."""
    points = []
    for here, there in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        if side * (HALF - here[0]) >= 0:
            points.append(here)
        if (here[0] - HALF) * (there[0] - HALF) < 0:
            share = (HALF - here[0]) / (there[0] - here[0])
            points.append(np.array((HALF, here[1] + share * (there[1] - here[1]))))
    return np.array(points)


def _closed(ring: Ring) -> list[list[float]]:
    """Counterclockwise, with the first point at the end again."""
    x, y = (ring - ring[0]).T
    turned = ring if x @ np.roll(y, -1) >= y @ np.roll(x, -1) else ring[::-1]
    closed: list[list[float]] = [*turned.tolist(), turned[0].tolist()]
    return closed
