"""Outlines of polygons: drawn in to a rectangle, and the part of a raster that they touch."""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from latentclust.labelling.area.coordinate_transform import CannotTellError
from latentclust.labelling.windows.strips import PixelBounds

Ring = NDArray[np.float64]
"""Points `(n, 2)`, the last one the first again."""

Polygon = tuple[Ring, ...]
"""The outline, and then the holes."""

Rectangle = NDArray[np.float64]
"""The least and the greatest corner, `(2, 2)`."""

ROUNDING = 1e-6
"""Pixels by which a border may miss a pixel's edge and still be on it."""

TRIANGLE = 4
"""Points of the least ring."""


def overlapping(polygons: Sequence[Polygon], rectangle: Rectangle, turn: float | None = None) -> Iterator[Polygon]:
    """Polygons whose own rectangle shares an area with another; `turn` along the first axis is the same place again."""
    (west, south), (east, north) = rectangle
    for polygon in polygons:
        low, high = polygon[0].min(axis=0), polygon[0].max(axis=0)
        if low[1] >= north or high[1] <= south:
            continue
        if turn is not None:
            first, after = floor((west - high[0]) / turn) + 1, ceil((east - low[0]) / turn)
            yield from (tuple(_turned(ring, turn * times) for ring in polygon) for times in range(first, after))
        elif low[0] < east and high[0] > west:
            yield polygon


def unrolled(polygon: Polygon, turn: float) -> Polygon:
    """A polygon of longitudes without jumps, and holes in their outline; raises CannotTellError about a pole."""
    rings = [np.stack((np.unwrap(ring[:, 0], period=turn), ring[:, 1]), axis=1) for ring in polygon]
    if any(abs(ring[-1, 0] - ring[0, 0]) > turn / 2 for ring in rings):
        raise CannotTellError("an outline surrounds a pole there")
    west = rings[0][:, 0].min()
    turns = [ceil((west - ring[:, 0].min()) / turn - ROUNDING) for ring in rings]
    return tuple(_turned(ring, turn * times) for ring, times in zip(rings, turns, strict=True))


def drawn_in(polygon: Polygon, rectangle: Rectangle) -> Polygon:
    """A polygon that is the same within a rectangle, and whose points beyond it are moved to its nearest side.

    Edges are parted where they cross the sides, or their prolongations, so that none is moved through the rectangle.
    """
    rings = [_varied(np.clip(_parted(ring, rectangle), *rectangle)) for ring in polygon]
    return tuple(ring for ring in rings if len(ring) >= TRIANGLE) if len(rings[0]) >= TRIANGLE else ()


def touched(polygons: Iterable[Polygon], size: tuple[int, int]) -> PixelBounds | None:
    """The least rectangle of a raster's pixels that holds all that polygons touch, if any.

    Polygons are in columns and rows. The part of one that is in the raster ends at its own edges, or at corners of the
    raster that it covers.
    """
    width, height = size
    raster = np.array([(0, 0), size], float)
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], float)
    points = [np.empty((0, 2))]
    for polygon in polygons:
        points += [_edges_within(ring, raster) for ring in polygon]
        points.append(corners[covered(polygon, corners)])
    every = np.concatenate(points)
    if not len(every):
        return None
    (left, top), (right, bottom) = every.min(axis=0) + ROUNDING, every.max(axis=0) - ROUNDING
    extent = PixelBounds(max(0, floor(top)), max(0, floor(left)), min(height, ceil(bottom)), min(width, ceil(right)))
    return extent if extent.height > 0 and extent.width > 0 else None


def covered(polygon: Polygon, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points `(n, 2)` lie inside: a ray to the right of them crosses an odd number of edges."""
    inside = np.zeros(len(points), bool)
    for ring in polygon:
        start, step = ring[:-1], np.diff(ring, axis=0)
        for number, (x, y) in enumerate(points):
            crossing = (ring[:-1, 1] > y) != (ring[1:, 1] > y)
            (x0, y0), (dx, dy) = start[crossing].T, step[crossing].T
            inside[number] ^= bool(np.count_nonzero(x < x0 + (y - y0) / dy * dx) % 2)
    return inside


def _edges_within(ring: Ring, rectangle: Rectangle) -> Ring:
    """The ends of those parts of edges that lie in a rectangle."""
    points = _parted(ring, rectangle)
    middle = (points[:-1] + points[1:]) / 2
    inside = ((middle >= rectangle[0]) & (middle <= rectangle[1])).all(axis=1)
    ends: Ring = np.clip(np.concatenate((points[:-1][inside], points[1:][inside])), *rectangle)
    return ends


def _parted(ring: Ring, rectangle: Rectangle) -> Ring:
    """A ring with points more: where its edges cross the lines on which the sides of a rectangle lie."""
    start, step = ring[:-1], np.diff(ring, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = ((rectangle[:, np.newaxis] - start) / step).transpose(1, 0, 2).reshape(-1, 4)
    shares = np.sort(np.where((shares > 0) & (shares < 1), shares, 0), axis=1)
    crossings = start[:, np.newaxis] + shares[..., np.newaxis] * step[:, np.newaxis]
    points = np.concatenate((start[:, np.newaxis], crossings), axis=1).reshape(-1, 2)
    return _varied(np.concatenate((points, ring[-1:])))


def _varied(ring: Ring) -> Ring:
    """A ring without points that repeat the one before."""
    return ring[np.concatenate(([True], (np.diff(ring, axis=0) != 0).any(axis=1)))]


def _turned(ring: Ring, by: float) -> Ring:
    """A ring moved along the first axis."""
    turned: Ring = ring + np.array((by, 0))
    return turned
