"""Polygons brought from their coordinate reference system to the pixels of a raster, with their edges bent."""

from itertools import repeat
from math import ceil, floor

import numpy as np
import shapely
from numpy.typing import NDArray

from latentclust.labelling.area.crs_transform import (
    Bounds,
    CrsTransform,
    OutOfMapError,
    TornOutlineError,
    UndefinedTransformError,
    full_turn,
    map_edge,
    raster_bounds,
)
from latentclust.labelling.area.polygon_mask import Points, Polygons, clip, pixel_bounds, polygon_parts, valid_polygons
from latentclust.labelling.windows.strips import PixelBounds

CHORD_TOLERANCE = 1e-4
"""Maximum distance in pixels between a bent edge and the chords that replace it."""

RELATIVE_PRECISION = 1e-12
"""Share of a coordinate that is rounding noise."""

SPLIT_AT = 0.382
"""Position on an edge where it is tested and split. At the middle, an edge that bends both ways would look straight."""

MAX_SPLITS, MAX_POINTS = 48, 2**22
"""Limits of the rounds of splitting and of the resulting points. An edge that a map cuts never becomes straight."""

EDGE_GAP = 1e-9
"""Distance in degrees to the edge of a map of the world, at which a place is still on its own side of the map."""


def to_pixel_polygons(polygons: Polygons, transform: CrsTransform) -> Polygons:
    """Return polygons in columns and rows of a raster. Polygons that are not near the raster may be dropped.

    Only the parts near the raster are transformed, since the rest of a large polygon may have no place in the raster's
    CRS. All parts are transformed if both systems are geographic, or if part of the raster has no place in the source.

    Raises:
        UndefinedTransformError: If the position of the polygons in the raster cannot be determined.
    """
    doubt, near = None, polygons
    try:
        if not (transform.source.is_geographic and transform.target.is_geographic):
            bounds = raster_bounds(transform)
            near = clip(_repeated(polygons, bounds, full_turn(transform.source)), bounds)
    except OutOfMapError as error:
        doubt = error
    except UndefinedTransformError:
        pass  # the transform of the polygons decides, or raises the same error
    try:
        found = _to_pixels(near, transform)
    except TornOutlineError:
        found = _to_pixels(_cut_at_map_edge(near, transform), transform)
    columns, rows = transform.size
    if doubt and pixel_bounds(found, PixelBounds(0, 0, rows, columns)) is None:
        raise doubt
    return found


def _repeated(polygons: Polygons, bounds: Bounds, turn: float | None) -> Polygons:
    """Return polygons as often as they lie in bounds: a longitude and the same one after a full turn are one place."""
    if turn is None or not len(polygons):
        return polygons
    (west, _, east, _), (low, _, high, _) = bounds, shapely.total_bounds(polygons)
    shifts = range(floor((west - high) / turn) + 1, ceil((east - low) / turn))
    return np.concatenate([polygons[:0], *(_shifted(polygons, turn * times) for times in shifts)])


def _shifted(polygons: Polygons, by: float) -> Polygons:
    """Shift polygons along the first axis."""
    shifted: Polygons = shapely.transform(polygons, lambda points: points + np.array((by, 0))) if by else polygons
    return shifted


def _cut_at_map_edge(polygons: Polygons, transform: CrsTransform) -> Polygons:
    """Cut polygons of longitudes and latitudes where the raster's map of the world ends."""
    edge, turn = map_edge(transform), full_turn(transform.source)
    if edge is None or turn is None:
        return polygons
    bounds = (edge - turn + EDGE_GAP, -turn / 4, edge - EDGE_GAP, turn / 4)
    return clip(_repeated(polygons, bounds, turn), bounds)


def _to_pixels(polygons: Polygons, transform: CrsTransform) -> Polygons:
    """Return polygons of the source CRS in columns and rows."""
    if not len(polygons):
        return polygons
    rings, polygon_of_ring = shapely.get_rings(polygons, return_index=True)
    vertices, ring_of_vertex = shapely.get_coordinates(rings, return_index=True)
    points, ring_of_point = _densified(vertices, ring_of_vertex, transform)
    turn = full_turn(transform.target)
    if turn is not None and (np.abs(np.diff(points[:, 0])) > turn / 2)[ring_of_point[1:] == ring_of_point[:-1]].any():
        starts = np.flatnonzero(np.diff(ring_of_point)) + 1
        outlines = map(_unwrapped, np.split(points, starts), shapely.is_ccw(rings).tolist(), repeat(turn))
        found = _without_holes(np.array([*outlines], object), polygon_of_ring, _corner_bounds(transform), turn)
    else:
        found = shapely.polygons(shapely.linearrings(points, indices=ring_of_point), indices=polygon_of_ring)
        found = _repeated(found, _corner_bounds(transform), turn)
    pixels: Polygons = shapely.transform(found, transform.to_pixels)
    return pixels


def _corner_bounds(transform: CrsTransform) -> Bounds:
    """Return the bounds of a raster in its own CRS."""
    columns, rows = transform.size
    corners = transform.to_coordinates(np.array([(0, 0), (0, rows), (columns, 0), (columns, rows)], float))
    (west, south), (east, north) = corners.min(axis=0), corners.max(axis=0)
    return west, south, east, north


def _unwrapped(ring: Points, counterclockwise: bool, turn: float) -> shapely.Polygon:
    """Return the area within a ring of longitudes and latitudes, its longitudes without jumps.

    A ring around a pole does not close without jumps, and is closed along the pole to its left.

    Args:
        ring: Longitudes and latitudes `(n, 2)`.
        counterclockwise: Whether the area lies to the left of the ring.
        turn: Full turn in the unit of the longitudes.
    """
    points = np.stack((np.unwrap(ring[:, 0], period=turn), ring[:, 1]), axis=1)
    (first, _), (last, _) = points[0], points[-1]
    if abs(last - first) > turn / 2:
        pole = np.copysign(turn / 4, (last - first) * (1 if counterclockwise else -1))
        points = np.concatenate((points, [(last, pole), (first, pole)]))
    return shapely.Polygon(points)


def _without_holes(outlines: Polygons, polygon_of_ring: NDArray[np.intp], bounds: Bounds, turn: float) -> Polygons:
    """Return polygons near some bounds, given the areas within their outer rings and, after each, within their holes.

    An area is repeated after every full turn, and its holes may lie a turn away from it.
    """
    found = []
    for rings in np.split(outlines, np.flatnonzero(np.diff(polygon_of_ring)) + 1):
        outer, holes = (_repeated(valid_polygons(part), bounds, turn) for part in (rings[:1], rings[1:]))
        found.append(shapely.difference(shapely.union_all(outer), shapely.union_all(holes)))
    return polygon_parts(np.array(found, object))


def _densified(
    points: Points, ring_of_point: NDArray[np.intp], transform: CrsTransform
) -> tuple[Points, NDArray[np.intp]]:
    """Return rings in the raster's coordinates. Edges, straight in the source CRS, become chains of short chords.

    `shapely.segmentize` has one length for all edges; the length that keeps a chord within a tolerance differs by
    orders of magnitude over a map of the world. So each edge is split until it is straight.
    """
    placed = transform.to_raster(points)
    unsettled = ring_of_point[1:] == ring_of_point[:-1]
    for _ in range(MAX_SPLITS):
        at = np.flatnonzero(unsettled)
        if not at.size or len(points) > MAX_POINTS:
            break
        tested = points[at] + SPLIT_AT * (points[at + 1] - points[at])
        tested_placed = transform.to_raster(tested)
        bent = _bent(placed[at], placed[at + 1], tested_placed, transform)
        unsettled[at] = bent
        at, tested, tested_placed = at[bent], tested[bent], tested_placed[bent]
        points, placed = np.insert(points, at + 1, tested, axis=0), np.insert(placed, at + 1, tested_placed, axis=0)
        ring_of_point = np.insert(ring_of_point, at + 1, ring_of_point[at])
        unsettled = np.insert(unsettled, at + 1, True)
    _check_continuous(placed, np.flatnonzero(unsettled), transform)
    return placed, ring_of_point


def _bent(first: Points, last: Points, tested: Points, transform: CrsTransform) -> NDArray[np.bool_]:
    """Return which edges `(n,)` have a chord that misses the tested point of the edge."""
    chord = first + SPLIT_AT * (transform.nearest_wrap(last, first) - first)
    expected, found = transform.to_pixels(transform.nearest_wrap(tested, chord)), transform.to_pixels(chord)
    tolerance = CHORD_TOLERANCE + RELATIVE_PRECISION * np.abs(expected)
    bent: NDArray[np.bool_] = np.any(np.abs(expected - found) > tolerance, axis=1)
    return bent


def _check_continuous(placed: Points, at: NDArray[np.intp], transform: CrsTransform) -> None:
    """Raise TornOutlineError if an edge still leaps across the raster. A small step may come from a datum."""
    steps = transform.to_pixels(transform.nearest_wrap(placed[at + 1], placed[at])) - transform.to_pixels(placed[at])
    if (np.abs(steps) > max(transform.size) / 2).any():
        raise TornOutlineError("an outline crosses the edge of its map, for example the 180th meridian")
