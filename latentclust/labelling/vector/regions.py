"""Four-connected regions of one label, found in strips of rows, so that no raster is ever whole in memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from latentclust.labelling.windows.stitch import NO_DATA


@dataclass(frozen=True, slots=True)
class Strip:
    """Rows of a raster, and the regions that they hold or are part of.

    Attributes:
        top: The first row, counted from 0.
        above: `(w,)` int64: the names of the pixels in the row above it, as they are called now; 0 is no data.
        regions: `(h, w)` int32: the region of each pixel, counted from 1 within the strip; 0 is no data.
        labels: `(n + 1,)`: the label of each region of the strip.
        names: `(n + 1,)` int64: what each is called in the whole raster; names count from 1 as regions are found.
        merged: `(m, 2)` int64: names that end here since they turned out to be those of one region with an older
            name, and that older name.
        open: Ascending names of the regions that reach the last row; all others are finished.
    """

    top: int
    above: NDArray[np.int64]
    regions: NDArray[np.int32]
    labels: NDArray[Any]
    names: NDArray[np.int64]
    merged: NDArray[np.int64]
    open: NDArray[np.int64]


def strips_of(rows: Iterable[NDArray[Any]]) -> Iterator[Strip]:
    """The strips of a raster whose labels `(h, w)` come from top to bottom."""
    top = known = 0
    values_above: NDArray[Any] | None = None
    for values in rows:
        regions, labels = regions_in(values)
        if values_above is None:
            values_above, above = np.zeros_like(values[0]), np.zeros(values.shape[1], np.int64)
        shared = (values[0] == values_above) & (values[0] != NO_DATA)
        names, above, merged = _joined(above, np.where(shared, regions[0], 0), len(labels))
        fresh = np.flatnonzero(names[1:] == 0) + 1
        names[fresh] = np.arange(known + 1, known + len(fresh) + 1)
        known += len(fresh)
        below = names[regions[-1]]
        yield Strip(top, above, regions, labels, names, merged, np.unique(below[below > 0]))
        values_above, above = values[-1].copy(), below
        top += len(values)


def regions_in(values: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """The regions `(h, w)` of labels `(h, w)`, counted from 1 with 0 for no data, and the label of each `(n + 1,)`."""
    begins = np.ones(values.shape, np.bool_)
    begins[:, 1:] = values[:, 1:] != values[:, :-1]
    runs = (np.cumsum(begins, dtype=np.int32) - 1).reshape(values.shape)
    # Of two runs that touch over several columns the first is enough.
    touch = values[1:] == values[:-1]
    touch[:, 1:] &= ~(touch[:, :-1] & ~begins[1:, 1:] & ~begins[:-1, 1:])
    group = _connected(runs[:-1][touch], runs[1:][touch], int(runs[-1, -1]) + 1)
    label_of_run = values[begins]
    label_of_group = np.zeros(int(group.max()) + 1, values.dtype)
    label_of_group[group] = label_of_run
    data = label_of_group != NO_DATA
    number = np.cumsum(data, dtype=np.int32) * data
    labels = np.concatenate((np.array([NO_DATA], values.dtype), label_of_group[data]))
    return number.astype(np.int32)[group][runs], labels


def count_regions(rows: Iterable[NDArray[Any]]) -> int:
    """How many regions a raster has, whose labels `(h, w)` come from top to bottom."""
    named = merged = 0
    for strip in strips_of(rows):
        named = max(named, int(strip.names.max()))
        merged += len(strip.merged)
    return named - merged


def _joined(
    above: NDArray[np.int64], below: NDArray[np.int32], size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Names of a strip's regions that go on from the strip above, 0 for others; those above; and the names that end.

    Args:
        above: `(w,)`: names of the pixels in the last row above.
        below: `(w,)`: regions of the pixels below them, 0 where they are not of one label.
        size: How many regions there are below, with 0.
    """
    old, place = np.unique(above, return_inverse=True)
    shared = below > 0
    group = _connected(place[shared], below[shared] + len(old), len(old) + size)
    # Backwards, so that the first and oldest name of a group is the one that remains.
    kept = np.zeros(int(group.max()) + 1, np.int64)
    kept[group[: len(old)][::-1]] = old[::-1]
    now = kept[group[: len(old)]]
    ends = now != old
    return kept[group[len(old) :]], now[place], np.stack((old[ends], now[ends]), axis=1)


def _connected(one: NDArray[Any], other: NDArray[Any], size: int) -> NDArray[np.int32]:
    """The component of each of `size` nodes joined by edges from `one` to `other`; from 0, in order of first nodes."""
    edges = coo_array((np.ones(len(one), np.bool_), (one, other)), shape=(size, size))
    found: NDArray[np.int32] = connected_components(edges, directed=False)[1]
    return found
