"""Small regions of a label raster merged into their largest neighbours, as GDAL's sieve merges them.

GDAL keeps every region in memory, and rasterio the whole raster too. Here both are in files.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentclust.labelling.vector.disk_arrays import Column
from latentclust.labelling.vector.regions import strips_of
from latentclust.labelling.vector.uncompressed import Unpacked


@dataclass(frozen=True, slots=True)
class _Table:
    """What is known of regions by name.

    Attributes:
        oldest: The oldest name of the same region.
        size: Pixels; of the oldest name.
        label: Of every name.
        into: The region that the oldest name is merged into: first its largest neighbour, at the end the last of the
            way from one largest neighbour to the next. Its own name where it has none or is large.
    """

    oldest: Column
    size: Column
    label: Column
    into: Column

    @classmethod
    def new(cls, folder: Path) -> "_Table":
        """An empty one, in files of a folder."""
        kinds: dict[str, type[np.generic]] = dict.fromkeys(("oldest", "size", "into"), np.int64) | {"label": np.uint16}
        return cls(**{name: Column(folder / name, kind) for name, kind in kinds.items()})


def sieve(labels: Unpacked, smallest: int, folder: Path, rows: int | None = None) -> None:
    """Merges each region of fewer than `smallest` pixels into its largest neighbour; the file is changed.

    Regions are 4-connected. Where the largest neighbour is itself too small, the region goes where that one goes. One
    that reaches no region of `smallest` pixels in this way stays as it is; so do islands in no data. No data is no
    neighbour, and stays. Of neighbours of one size the first counts that is met from top to bottom, from left to right.

    Args:
        labels: Of the raster.
        smallest: Pixels of the smallest region that stays.
        folder: Of temporary files: 26 bytes for each region of each strip at most.
        rows: Of a strip; as many as memory allows unless said.
    """
    if smallest <= 1:
        return
    table = _Table.new(folder)
    _measure(labels, table, rows)
    _name_oldest(table)
    _find_neighbours(labels, table, smallest, rows)
    _follow(table)
    _repaint(labels, table, smallest, rows)


def _measure(labels: Unpacked, table: _Table, rows: int | None) -> None:
    """Sizes, labels, and which names are one region's."""
    for strip in strips_of(labels.strips(rows)):
        known = len(table.size)
        fresh = strip.names >= known
        names = strip.names[fresh]
        table.oldest.append(names)
        table.into.append(names)
        table.label.append(strip.labels[fresh])
        table.size.append(np.zeros(len(names), np.int64))
        size, oldest = table.size.opened(), table.oldest.opened()
        ended, kept = strip.merged.T
        oldest[ended] = kept
        np.add.at(size, kept, size[ended])
        np.add.at(size, strip.names[1:], np.bincount(strip.regions.ravel(), minlength=len(strip.names))[1:])


def _name_oldest(table: _Table) -> None:
    """An older name is always a smaller number, so that one way through the names is enough."""
    oldest = table.oldest.opened()
    for chunk in table.oldest.chunks():
        oldest[chunk] = _settled(oldest, oldest[chunk])


def _settled(successor: NDArray[np.int64], names: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where names lead in the end."""
    while not np.array_equal(names, following := successor[names]):
        names = following
    return names


def _find_neighbours(labels: Unpacked, table: _Table, smallest: int, rows: int | None) -> None:
    """The largest neighbour of each small region."""
    size, oldest, into = table.size.opened(), table.oldest.opened(), table.into.opened()
    for strip in strips_of(labels.strips(rows)):
        names = oldest[strip.names][strip.regions]
        one, other = _borders(oldest[strip.above], names)
        met = np.flatnonzero(size[one] < smallest)
        one, other = one[met], other[met]
        order = np.lexsort((met, -size[other], one))
        first = order[np.diff(one[order], prepend=0) != 0]
        one, other = one[first], other[first]
        better = (into[one] == one) | (size[into[one]] < size[other])
        into[one[better]] = other[better]


def _borders(above: NDArray[np.int64], names: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Names on either side of each pixel edge between two regions, in the order of the later pixel, up before left.

    Args:
        above: `(w,)`: names in the row above, 0 for no data.
        names: `(h, w)`.

    Returns:
        Both `(2 e,)`: each edge is there from both sides.
    """
    near = np.zeros((*names.shape, 2), np.int64)
    near[0, :, 0], near[1:, :, 0], near[:, 1:, 1] = above, names[:-1], names[:, :-1]
    here = names[..., np.newaxis]
    edge = (near != here) & (near > 0) & (here > 0)
    pairs = np.stack((np.broadcast_to(here, edge.shape)[edge], near[edge]), axis=1)
    return pairs.ravel(), pairs[:, ::-1].ravel()


def _follow(table: _Table) -> None:
    """The last of the way from one largest neighbour to the next.

    Two regions may be each other's largest neighbours: there the way ends at one of them. Longer circles do not exist:
    along one all sizes would be equal, and each edge met before the one that led to it.
    """
    into = table.into.opened()
    moved = True
    while moved:
        moved = False
        for chunk in table.into.chunks():
            before = into[chunk].copy()
            into[chunk] = into[before]
            moved |= not np.array_equal(before, into[chunk])


def _repaint(labels: Unpacked, table: _Table, smallest: int, rows: int | None) -> None:
    """Gives merged regions their new label."""
    size, oldest, into, label = (each.opened() for each in (table.size, table.oldest, table.into, table.label))
    for strip in strips_of(labels.strips(rows)):
        before = oldest[strip.names]
        after = into[before]
        merged = (size[before] < smallest) & (size[after] >= smallest)
        if merged.any():
            labels.repaint(strip.top, np.where(merged, label[after], strip.labels)[strip.regions])
