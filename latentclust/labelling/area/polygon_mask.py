"""Polygons in pixel coordinates (column, row): the pixels that they touch, and masks of the pixels inside."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from rasterio.transform import Affine

from latentclust.labelling.windows.strips import PixelBounds

Points = NDArray[np.float64]
"""Points `(n, 2)`: x and y, longitude and latitude, or column and row."""

Polygons = NDArray[np.object_]
"""Shapely polygons `(n,)`."""

EDGE_TOLERANCE = 1e-6
"""Distance in pixels by which a polygon may reach into a pixel without touching it."""

MAX_MASK_PIXELS = 2**22
"""Maximum number of pixels, or else one row, that a search for pixels inside polygons rasterizes at once."""


@dataclass(frozen=True, slots=True)
class PolygonMask:
    """A mask of the pixels of a scene whose centres lie in polygons.

    Attributes:
        polygons: Valid polygons in pixel coordinates of the scene.
    """

    polygons: tuple[shapely.Polygon, ...]

    def rasterize(self, top: int, left: int, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return which pixels of a rectangle `(rows, columns)` of the scene have their centre inside."""
        bounds = shapely.bounds(np.array(self.polygons, object))
        reached = (bounds[:, 1] <= top + shape[0]) & (bounds[:, 3] >= top)
        shapes = [_in_rows(self.polygons[at], top, top + shape[0]) for at in np.flatnonzero(reached)]
        if not shapes:
            return np.zeros(shape, bool)
        inside: NDArray[np.bool_] = geometry_mask(shapes, shape, Affine.translation(left, top), invert=True)
        return inside

    def covers_any(self, bounds: PixelBounds) -> bool:
        """Return whether any pixel of a rectangle of the scene has its centre inside.

        The rectangle is halved and shrunk to what the polygons touch, so that a thin polygon across a large scene
        needs little time and memory.
        """
        todo = [(np.array(self.polygons, object), bounds)]
        while todo:
            polygons, bounds = todo.pop()
            polygons = clip(polygons, (bounds.left, bounds.top, bounds.right, bounds.bottom))
            touched = pixel_bounds(polygons, bounds)
            if touched is None:
                continue
            shape = (touched.height, touched.width)
            if touched.height * touched.width <= max(MAX_MASK_PIXELS, min(shape)):
                if self.rasterize(touched.top, touched.left, shape).any():
                    return True
            else:
                todo += [(polygons, half) for half in _halves(touched)]
        return False


def polygon_parts(geometries: Any) -> Polygons:
    """Return the polygons in any geometries, collections included."""
    parts = shapely.get_parts(shapely.get_parts(geometries))  # a collection may hold multipolygons
    polygons: Polygons = parts[(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)]
    return polygons


def valid_polygons(polygons: Polygons) -> Polygons:
    """Return polygons with the same area that do not cross themselves: inside and outside alternate at every edge."""
    invalid = ~shapely.is_valid(polygons)
    if not invalid.any():
        return polygons
    fixed = polygons.copy()
    fixed[invalid] = shapely.make_valid(polygons[invalid])
    return polygon_parts(fixed)


def clip(polygons: Polygons, rectangle: Sequence[float | int]) -> Polygons:
    """Return the parts of polygons in a rectangle west, south, east, north (or left, top, right, bottom)."""
    bounds = shapely.bounds(polygons)
    apart = (bounds[:, :2] >= tuple(rectangle[2:])) | (bounds[:, 2:] <= tuple(rectangle[:2]))
    near = valid_polygons(polygons[~apart.any(axis=1)])
    if (bounds[:, :2] >= tuple(rectangle[:2])).all() and (bounds[:, 2:] <= tuple(rectangle[2:])).all():
        return near
    return polygon_parts(shapely.intersection(near, shapely.box(*rectangle)))


def pixel_bounds(polygons: Polygons, within: PixelBounds) -> PixelBounds | None:
    """Return the smallest rectangle of pixels that contains all touched by polygons, or None if no pixel is touched.

    Args:
        polygons: Polygons in pixel coordinates.
        within: Rectangle that the result is restricted to.
    """
    parts = clip(polygons, (within.left, within.top, within.right, within.bottom))
    if not len(parts):
        return None
    west, north, east, south = shapely.total_bounds(parts)
    top, left = floor(north + EDGE_TOLERANCE), floor(west + EDGE_TOLERANCE)
    bottom, right = ceil(south - EDGE_TOLERANCE), ceil(east - EDGE_TOLERANCE)
    found = PixelBounds(top, left, bottom, right)
    return found if found.height > 0 and found.width > 0 else None


def _halves(bounds: PixelBounds) -> tuple[PixelBounds, PixelBounds]:
    """Split a rectangle across its longer side."""
    top, left, bottom, right = bounds.top, bounds.left, bounds.bottom, bounds.right
    if bounds.height >= bounds.width:
        middle = (top + bottom) // 2
        return PixelBounds(top, left, middle, right), PixelBounds(middle, left, bottom, right)
    middle = (left + right) // 2
    return PixelBounds(top, left, bottom, middle), PixelBounds(top, middle, bottom, right)


def _in_rows(polygon: shapely.Polygon, top: int, bottom: int) -> dict[str, Any]:
    """Return a GeoJSON polygon that covers the same pixels in a range of rows and has fewer points beyond it.

    Edges that reach into the rows are not clipped: rounding could move the centre of a pixel to their other side.
    """
    rings = [shapely.get_coordinates(ring) for ring in (polygon.exterior, *polygon.interiors)]
    kept = (_ring_in_rows(ring, top, bottom) for ring in rings)
    return {"type": "Polygon", "coordinates": [ring.tolist() for ring in kept if len(ring) > 3]}


def _ring_in_rows(ring: Points, top: int, bottom: int) -> Points:
    """Drop the points of a ring whose two edges lie both above or both below a range of rows."""
    above, below = ring[:, 1] < top, ring[:, 1] > bottom
    reaching = ~((above[:-1] & above[1:]) | (below[:-1] & below[1:]))
    kept = ring[:-1][reaching | np.roll(reaching, 1)]
    return np.concatenate((kept, kept[:1]))
