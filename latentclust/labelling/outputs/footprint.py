"""The outline of a raster in longitude and latitude, cut at the 180th meridian as RFC 7946 requires."""

import json
from dataclasses import dataclass
from typing import Any

import antimeridian
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError
from rasterio.io import DatasetReader

POINTS_PER_SIDE = 8
"""Number of points of each side of a raster, because sides bend in another coordinate reference system."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """The place of a raster on the Earth.

    Attributes:
        geometry: GeoJSON polygon or multipolygon. Outer rings are counterclockwise.
        bbox: West, south, east and north in degrees. West is larger than east if the raster crosses the 180th meridian.
    """

    geometry: dict[str, Any]
    bbox: list[float]


def footprint(file: DatasetReader) -> Footprint | None:
    """Return the footprint of a raster, or None if it has no transform or its place on the Earth is unknown."""
    if not file.crs or file.transform.is_identity or file.gcps[0]:
        return None
    try:
        to_degrees = Transformer.from_crs(CRS.from_wkt(file.crs.to_wkt()), "EPSG:4326", always_xy=True)
        longitude, latitude = to_degrees.transform(*_outline(file))
    except ProjError:
        return None
    if not np.isfinite((longitude, latitude)).all():
        return None
    ring = shapely.Polygon(np.stack((longitude, np.clip(latitude, -90, 90)), axis=1))
    # The ring runs counterclockwise on the Earth, which tells the pole inside from the one outside.
    cut = antimeridian.fix_polygon(ring, fix_winding=False, great_circle=False)
    place = shapely.orient_polygons(shapely.union_all(shapely.get_parts(cut)))
    return Footprint(json.loads(shapely.to_geojson(place)), _bbox(shapely.bounds(shapely.get_parts(place))))


def _bbox(parts: NDArray[np.float64]) -> list[float]:
    """Return the bounding box of parts `(n, 4)`; `antimeridian.bbox` takes the inner bounds of more than two."""
    (west, south), (east, north) = parts[:, :2].min(axis=0), parts[:, 2:].max(axis=0)
    before, after = parts[parts[:, 2] == 180], parts[parts[:, 0] == -180]
    if len(parts) > 1 and len(before) and len(after):
        west, east = before[:, 0].min(), after[:, 2].max()
    return [float(west), float(south), float(east), float(north)]


def _outline(file: DatasetReader) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coordinates of points along the four sides, counterclockwise."""
    side = np.arange(POINTS_PER_SIDE) / POINTS_PER_SIDE
    columns = np.concatenate((side, np.ones(POINTS_PER_SIDE), 1 - side, np.zeros(POINTS_PER_SIDE))) * file.width
    rows = np.concatenate((np.zeros(POINTS_PER_SIDE), side, np.ones(POINTS_PER_SIDE), 1 - side)) * file.height
    to = file.transform
    x, y = to.a * columns + to.b * rows + to.c, to.d * columns + to.e * rows + to.f
    return (x, y) if to.determinant > 0 else (x[::-1], y[::-1])
