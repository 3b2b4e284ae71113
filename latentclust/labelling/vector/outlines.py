"""The polygons of label rasters, traced from the corners of regions, which come in strips of rows.

A region's boundary turns at its corners. Sorted by rows, corners are the ends of its horizontal edges two by two, and
sorted by columns those of its vertical edges. So a region that crosses strips needs no uniting: its corners are kept
until the strip in which it ends.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.labelling.vector.regions import strips_of
from latentclust.labelling.vector.uncompressed import Unpacked

CORNER = np.dtype(
    [
        ("name", np.int64),
        ("label", np.uint16),
        ("y", np.int32),
        ("x", np.int32),
        ("right", np.bool_),
        ("below", np.bool_),
        ("along", np.bool_),
    ]
)
"""Where a region's boundary turns.

The region's name and label, the row and the column; whether its horizontal edge lies to the right of it and its
vertical edge below it; and whether the boundary, with the region on its right hand, goes on along the horizontal edge.
"""

CLOCKWISE = ((0, 0), (1, 0), (1, 1), (0, 1))
"""Column and row of the four pixels that meet, from the upper left one on."""

Corners = NDArray[Any]
"""`(n,)` of `CORNER`."""

Outlines = tuple[NDArray[np.uint16], NDArray[np.object_]]
"""The labels `(n,)` of regions and their shapely polygons `(n,)`."""


def outlines(labels: Unpacked, rows: int | None = None) -> Iterator[Outlines]:
    """The label and the polygon of each region, as each strip of rows finishes them.

    Polygons are those of the whole raster: valid, with no point but corners, in columns and rows, y downwards. In
    memory are the corners of those that cross the border of the strip.

    Args:
        labels: Of the raster.
        rows: Of a strip; as many as memory allows unless said.
    """
    height, width = labels.extent
    waiting: dict[int, list[Corners]] = {}
    above = np.zeros(width, labels.kind)
    below = np.zeros(width, np.int64)
    for strip in strips_of(labels.strips(rows)):
        for ended, kept in strip.merged.tolist():
            waiting.setdefault(kept, []).extend(waiting.pop(ended, []))
        names = np.vstack((strip.above, strip.names[strip.regions]))
        kinds = np.vstack((above, strip.labels[strip.regions]))
        yield _polygons(_ended(_corners(names, kinds, strip.top), waiting, strip.open))
        above, below = kinds[-1], names[-1]
    nothing = np.zeros(width, np.int64)
    last = _corners(np.stack((below, nothing)), np.stack((above, nothing)), height)
    yield _polygons(_ended(last, waiting, nothing[:0]))


def _corners(names: NDArray[np.int64], labels: NDArray[Any], top: int) -> Corners:
    """The corners of regions where four pixels meet.

    Args:
        names: `(1 + h, w)`: of the regions, with the row above; 0 is no data.
        labels: `(1 + h, w)`.
        top: The row of the first pixels that are not above.
    """
    cells = np.pad(names, ((0, 0), (1, 1)))
    kinds = np.pad(labels, ((0, 0), (1, 1)))
    height, width = len(names) - 1, names.shape[1] + 1
    around = [cells[y : y + height, x : x + width] for x, y in CLOCKWISE]
    flat = (around[0] == around[1]) & (around[3] == around[2])
    upright = (around[0] == around[3]) & (around[1] == around[2])
    rows, columns = np.nonzero(~(flat | upright))
    met = np.stack([each[rows, columns] for each in around])
    found = []
    for turn, (x, y) in enumerate(CLOCKWISE):
        here, one, far, other = np.roll(met, -turn, axis=0)
        alone = (here != one) & (here != other)
        corner = np.flatnonzero((here > 0) & (alone | ((here == one) & (here == other) & (here != far))))
        convex = alone[corner]
        part = np.empty(len(corner), CORNER)
        part["name"] = here[corner]
        part["y"], part["x"] = rows[corner] + top, columns[corner]
        part["label"] = kinds[rows[corner] + y, columns[corner] + x]
        part["right"], part["below"] = convex == x, convex == y
        part["along"] = convex == (turn % 2 == 0)
        found.append(part)
    return np.concatenate(found)


def _ended(found: Corners, waiting: dict[int, list[Corners]], still: NDArray[np.int64]) -> Corners:
    """The corners of regions that end; those of regions that go `still` on are added to those that wait."""
    ended = [found[~np.isin(found["name"], still)]]
    for name in waiting.keys() - still.tolist():
        for part in waiting.pop(name):
            part["name"] = name
            ended.append(part)
    goes_on = found[np.isin(found["name"], still)]
    goes_on = goes_on[np.argsort(goes_on["name"], kind="stable")]
    names, starts = np.unique(goes_on["name"], return_index=True)
    for name, part in zip(names.tolist(), np.split(goes_on, starts[1:]), strict=False):
        waiting.setdefault(name, []).append(part.copy())
    return np.concatenate(ended)


def _polygons(corners: Corners) -> Outlines:
    """The label and the polygon of each region, from all its corners."""
    import shapely

    corners = corners[np.lexsort([corners[key] for key in ("right", "x", "y", "name")])]
    again = np.flatnonzero(np.all([corners[key][1:] == corners[key][:-1] for key in ("x", "y", "name")], axis=0))
    # A region that touches itself in a point has two corners there. Crossing it gives rings that touch, as is valid;
    # turning at it would give one ring that touches itself.
    corners["below"][again], corners["below"][again + 1] = corners["below"][again + 1], corners["below"][again]
    across = np.lexsort([corners[key] for key in ("below", "y", "x", "name")])
    upright = np.empty_like(across)
    upright[across[0::2]], upright[across[1::2]] = across[1::2], across[0::2]
    order, ends = _traced(np.where(corners["along"], np.arange(len(corners)) ^ 1, upright))
    points = np.stack((corners["x"], corners["y"]), axis=1)[order].astype(np.float64)
    rings = shapely.linearrings(points, indices=np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0)))
    # A region's first ring, which its topmost corner is on, is the outer one.
    outer = np.diff(corners["name"][order[ends - 1]], prepend=0) != 0
    return corners["label"][order[ends[outer] - 1]], shapely.polygons(rings, indices=np.cumsum(outer) - 1)


def _traced(following: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers 0 to n - 1 in circles `(n,)`, each from its smallest number on, and where each circle ends `(r,)`."""
    step, seen = following.data, bytearray(len(following))
    order, ends, place = np.empty(len(following), np.int64), [], 0
    written = order.data
    for start in range(len(step)):
        number = start
        while not seen[number]:
            seen[number] = 1
            written[place] = number
            place += 1
            number = step[number]
            if number == start:
                ends.append(place)
    return order, np.array(ends, np.int64)
