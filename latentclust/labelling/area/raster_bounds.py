"""The rectangle that a raster takes up in another coordinate system."""

import numpy as np

from latentclust.labelling.area.clip import Rectangle
from latentclust.labelling.area.coordinate_transform import CannotTellError, Points, Way, turn_of

NODES = 33
"""Points along each axis of a raster that are looked at."""

PAD = 0.01
"""By which share of itself the rectangle is widened; between nodes the sides of a raster bend less."""

NEAR_POLE = 1 / 8
"""Of a raster's longer side: within this distance of a pole it is taken to hold all longitudes."""


class MisplacedError(CannotTellError):
    """A raster's coordinates are not those that its places have, as beyond the edge of a map of the world."""


def frame_of(way: Way) -> Rectangle:
    """The rectangle, a little widened, in the system at the way's start; longitudes count on over the 180th meridian.

    Raises:
        CannotTellError: A raster that is not as a whole in that system.
        MisplacedError: One that is not where its coordinates say.
    """
    across, down = (np.linspace(0, side, NODES) for side in way.size)
    nodes = np.stack(np.meshgrid(across, down), axis=2).reshape(-1, 2)
    there = way.places(nodes)
    points = way.back(there)
    again = way.pixels(way.near(way.forth(points), there))
    if (np.abs(again - nodes) > 1 / 2).any():
        raise MisplacedError("it has other coordinates than its places, as beyond the 180th meridian")
    turn = turn_of(way.start)
    if turn is None:
        low, high = points.min(axis=0), points.max(axis=0)
        pad = PAD * (high - low)
        return np.array((low - pad, high + pad))
    return _of_degrees(way, points, turn)


def _of_degrees(way: Way, points: Points, turn: float) -> Rectangle:
    """That of longitudes and latitudes of nodes; all longitudes about a pole."""
    half, quarter = turn / 2, turn / 4
    south, north = _widened(points[:, 1])
    poles = [_holds_pole(way, latitude) for latitude in (-quarter, quarter)]
    south, north = -quarter if poles[0] else max(south, -quarter), quarter if poles[1] else min(north, quarter)
    if any(poles):
        return np.array(((-half, south), (half, north)))
    grid = points[:, 0].reshape(NODES, NODES)
    grid = np.unwrap(np.unwrap(grid, axis=1, period=turn), axis=0, period=turn)
    west, east = _widened(grid)
    if grid.min() >= -half and grid.max() <= half:
        west, east = max(west, -half), min(east, half)
    elif east - west > turn:
        west, east = (west + east - turn) / 2, (west + east + turn) / 2
    return np.array(((west, south), (east, north)))


def _widened(values: Points) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    return low - PAD * (high - low), high + PAD * (high - low)


def _holds_pole(way: Way, latitude: float) -> bool:
    """Whether a pole lies in the raster, or close to it."""
    try:
        pixel = way.pixels(way.forth(np.array([(0, latitude)], float)))[0]
    except CannotTellError:
        return False
    margin = NEAR_POLE * max(way.size)
    return bool((pixel >= -margin).all() and (pixel <= np.array(way.size) + margin).all())
