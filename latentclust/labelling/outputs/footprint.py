"""The outline of a raster in longitude and latitude, as GeoJSON wants it: cut where it crosses the 180th meridian."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader

STEPS = 8
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
    from pyproj import CRS, Transformer
    from pyproj.exceptions import ProjError

    if not file.crs or file.transform.is_identity or file.gcps[0]:
        return None
    try:
        to_degrees = Transformer.from_crs(CRS.from_wkt(file.crs.to_wkt()), "EPSG:4326", always_xy=True)
        ring = np.stack(to_degrees.transform(*_outline(file)), axis=1)
    except ProjError:
        return None
    return _cut(_unrolled(ring)) if np.isfinite(ring).all() else None


def _outline(file: DatasetReader) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates of points along the four sides, each corner once."""
    side = np.arange(STEPS) / STEPS
    columns = np.concatenate((side, np.ones(STEPS), 1 - side, np.zeros(STEPS))) * file.width
    rows = np.concatenate((np.zeros(STEPS), side, np.ones(STEPS), 1 - side)) * file.height
    to = file.transform
    return to.a * columns + to.b * rows + to.c, to.d * columns + to.e * rows + to.f


def _unrolled(ring: Ring) -> Ring:
    """Longitudes without jumps. An outline around a pole begins at the 180th meridian and is closed along the pole."""
    there = np.concatenate((ring, ring[:1]))
    there[:, 1] = np.clip(there[:, 1], -90, 90)
    there[:, 0] = np.unwrap(there[:, 0], period=TURN)
    turned = there[-1, 0] - there[0, 0]
    if abs(turned) < HALF:
        return _box(there[:, 1]) if np.ptp(there[:, 0]) >= TURN else there[:-1]
    there = there if turned > 0 else there[::-1]
    there[:, 0] -= TURN * np.floor((there[0, 0] + HALF) / TURN)
    after = int(np.argmax(there[:, 0] >= HALF))
    latitude, pole = np.interp(HALF, *there[after - 1 : after + 1].T), np.copysign(90.0, ring[:, 1].mean())
    east = there[after:] - (TURN, 0)
    return np.array([(-HALF, latitude), *east, *there[1:after], (HALF, latitude), (HALF, pole), (-HALF, pole)])


def _box(latitudes: NDArray[np.float64]) -> Ring:
    """All longitudes, as a raster of the whole Earth has them."""
    south, north = latitudes.min(), latitudes.max()
    return np.array([(-HALF, south), (HALF, south), (HALF, north), (-HALF, north)])


def _cut(ring: Ring) -> Footprint:
    """The polygon, or the two on either side of the 180th meridian."""
    ring = ring - (TURN * np.floor((ring[:, 0].min() + HALF) / TURN), 0)
    west, east = float(ring[:, 0].min()), float(ring[:, 0].max())
    south, north = float(ring[:, 1].min()), float(ring[:, 1].max())
    if east <= HALF:
        return Footprint({"type": "Polygon", "coordinates": [_closed(ring)]}, [west, south, east, north])
    parts = [_closed(_clipped(ring, 1)), _closed(_clipped(ring, -1) - (TURN, 0))]
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
