"""Polygons brought from a coordinate system of their own to columns and rows of a raster, with their edges bent."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from latentclust.labelling.area.clip import Polygon, Rectangle, drawn_in, overlapping, touched, unrolled
from latentclust.labelling.area.coordinate_transform import CannotTellError, Points, Way, turn_of
from latentclust.labelling.area.raster_bounds import MisplacedError, frame_of

TOLERANCE = 1e-4
"""Pixels by which the chords of a bent edge may miss it."""

DIGITS = 1e-12
"""The share of a coordinate that is noise."""

SHARE = 0.382
"""Where an edge is tried and parted: not in its middle, where one that bends both ways looks straight."""

ROUNDS, MOST = 48, 2**22
"""How often edges are parted, and into how many points at most: there is no end to one that is torn."""


def reprojected(polygons: Sequence[Polygon], way: Way) -> list[Polygon]:
    """Polygons in columns and rows; those that are nowhere near the raster may be left out.

    Only what lies about the raster is brought there, since the rest of a large polygon may have no place in its system.
    It is all of them where longitudes become longitudes, or some of the raster has no place in the polygons' system.

    Raises:
        CannotTellError: Where they lie.
    """
    doubt, near = None, list(polygons)
    try:
        if not (way.start.is_geographic and way.end.is_geographic):
            near = _about(polygons, frame_of(way), turn_of(way.start))
    except MisplacedError as error:
        doubt = error
    except CannotTellError:
        pass  # what follows tells it, or raises the same
    found = _in_pixels(_bent(near, way), way) if near else []
    if doubt and touched(found, way.size) is None:
        raise doubt
    return found


def _about(polygons: Sequence[Polygon], frame: Rectangle, turn: float | None) -> list[Polygon]:
    """What of polygons lies in a rectangle."""
    drawn = (drawn_in(polygon, frame) for polygon in overlapping(polygons, frame, turn))
    return [polygon for polygon in drawn if polygon]


def _in_pixels(polygons: Sequence[Polygon], way: Way) -> list[Polygon]:
    """Polygons of the raster's coordinates in columns and rows; longitudes are whole turns further where it is."""
    turn = turn_of(way.end)
    if turn is not None:
        polygons = [unrolled(polygon, turn) for polygon in polygons]
    columns, rows = way.size
    corners = way.places(np.array([(0, 0), (0, rows), (columns, 0), (columns, rows)], float))
    there = overlapping(polygons, np.array((corners.min(axis=0), corners.max(axis=0))), turn)
    return [tuple(way.pixels(ring) for ring in polygon) for polygon in there]


def _bent(polygons: Sequence[Polygon], way: Way) -> list[Polygon]:
    """Polygons in the raster's coordinates: edges, which are straight at the way's start, become chains of chords."""
    rings = [ring for polygon in polygons for ring in polygon]
    owner = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    points = np.concatenate(rings)
    placed = way.forth(points)
    open_edges = owner[1:] == owner[:-1]
    for _ in range(ROUNDS):
        at = np.flatnonzero(open_edges)
        if not at.size or len(points) > MOST:
            break
        tried = points[at] + SHARE * (points[at + 1] - points[at])
        there = way.forth(tried)
        bent = _bends(placed[at], placed[at + 1], there, way)
        open_edges[at] = bent
        at, tried, there = at[bent], tried[bent], there[bent]
        points, placed = np.insert(points, at + 1, tried, axis=0), np.insert(placed, at + 1, there, axis=0)
        owner, open_edges = np.insert(owner, at + 1, owner[at]), np.insert(open_edges, at + 1, True)
    _check_whole(placed, np.flatnonzero(open_edges), way)
    ends = np.cumsum([0, *np.bincount(owner)])
    found = iter([placed[first:last] for first, last in pairwise(ends)])
    return [tuple(next(found) for _ in polygon) for polygon in polygons]


def _bends(first: Points, last: Points, tried: Points, way: Way) -> NDArray[np.bool_]:
    """Which edges `(n,)` have a chord that misses the place of the point that was tried."""
    chord = first + SHARE * (way.near(last, first) - first)
    wanted, got = way.pixels(way.near(tried, chord)), way.pixels(chord)
    bends: NDArray[np.bool_] = np.any(np.abs(wanted - got) > TOLERANCE + DIGITS * np.abs(wanted), axis=1)
    return bends


def _check_whole(placed: Points, at: NDArray[np.intp], way: Way) -> None:
    """Raises CannotTellError for edges that no parting makes straight; small steps are a datum's."""
    gaps = np.abs(way.pixels(way.near(placed[at + 1], placed[at])) - way.pixels(placed[at]))
    if (gaps > max(way.size) / 2).any():
        raise CannotTellError("an outline is torn there, as at the 180th meridian")
