"""The squares of a grid that polygons touch, so that a large polygon is read piece by piece."""

from collections.abc import Iterator
from math import ceil

import shapely

from latentclust.labelling.area.polygon_mask import EDGE_TOLERANCE, Polygons, clip
from latentclust.labelling.windows.strips import PixelBounds

TILE = 512
"""Side in pixels of the squares, which is that of the blocks of label rasters."""


def split_into_tiles(polygons: Polygons, within: PixelBounds) -> Iterator[tuple[PixelBounds, Polygons]]:
    """Yield the squares of a grid of `TILE` pixels that polygons touch, each with the parts of the polygons in it.

    Args:
        polygons: Polygons in columns and rows.
        within: Rectangle that squares and parts are restricted to.
    """
    todo = [clip(polygons, (within.left, within.top, within.right, within.bottom))]
    while todo:
        part = todo.pop()
        if not len(part):
            continue
        west, north, east, south = shapely.total_bounds(part)
        columns, rows = _touched(west, east), _touched(north, south)
        if len(columns) == len(rows) == 1:
            yield _tile(rows.start, columns.start, within), part
        elif len(rows) >= len(columns):
            cut = TILE * rows[len(rows) // 2]
            todo += [clip(part, (west, cut, east, south)), clip(part, (west, north, east, cut))]
        else:
            cut = TILE * columns[len(columns) // 2]
            todo += [clip(part, (cut, north, east, south)), clip(part, (west, north, cut, south))]


def _touched(first: float, last: float) -> range:
    """Return the numbers of the squares that an interval reaches into.

    Cutting rounds coordinates, so that a part may reach beyond its square by much less than `EDGE_TOLERANCE`.
    """
    number = int((first + EDGE_TOLERANCE) // TILE)
    return range(number, max(number + 1, ceil((last - EDGE_TOLERANCE) / TILE)))


def _tile(row: int, column: int, within: PixelBounds) -> PixelBounds:
    top, left = row * TILE, column * TILE
    return PixelBounds(top, left, min(top + TILE, within.bottom), min(left + TILE, within.right))
