"""Four-connected regions of equal labels, found in strips of rows, so that a raster is never completely in memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from latentclust.labelling.windows.stitch import NO_DATA


@dataclass(frozen=True, slots=True)
class RegionStrip:
    """Rows of a raster, and the regions that lie in them at least partly.

    Attributes:
        top: The first row, counted from 0.
        above: Current names of the pixels in the row above `(w,)`, int64; 0 for nodata.
        regions: Region of each pixel `(h, w)`, int32, counted from 1 within the strip; 0 for nodata.
        labels: Label of each region of the strip `(n + 1,)`.
        names: Number of each region in the raster `(n + 1,)`, int64, counted from 1 in the order of discovery.
        merged: Pairs `(m, 2)`, int64, of a name that ends in this strip, because it turned out to be another name of an
            older region, and the name of that region.
        open: Ascending names of the regions that reach the last row. All others are complete.
    """

    top: int
    above: NDArray[np.int64]
    regions: NDArray[np.int32]
    labels: NDArray[Any]
    names: NDArray[np.int64]
    merged: NDArray[np.int64]
    open: NDArray[np.int64]

    def rename(self, names: NDArray[np.int64]) -> NDArray[np.int64]:
        """Replace names `(n,)` that end in this strip."""
        if not len(self.merged):
            return names
        ended, kept = self.merged[np.argsort(self.merged[:, 0])].T
        place = np.minimum(np.searchsorted(ended, names), len(ended) - 1)
        return np.where(ended[place] == names, kept[place], names)


def region_strips(rows: Iterable[NDArray[Any]]) -> Iterator[RegionStrip]:
    """Yield the strips of a raster whose labels `(h, w)` come from top to bottom."""
    top = known = 0
    values_above: NDArray[Any] | None = None
    for values in rows:
        regions, labels = label_regions(values)
        if values_above is None:
            values_above, above = np.zeros_like(values[0]), np.zeros(values.shape[1], np.int64)
        shared = (values[0] == values_above) & (values[0] != NO_DATA)
        names, above, merged = _match_above(above, np.where(shared, regions[0], 0), len(labels))
        fresh = np.flatnonzero(names[1:] == 0) + 1
        names[fresh] = np.arange(known + 1, known + len(fresh) + 1)
        known += len(fresh)
        below = names[regions[-1]]
        yield RegionStrip(top, above, regions, labels, names, merged, np.unique(below[below > 0]))
        values_above, above = values[-1].copy(), below
        top += len(values)


def label_regions(values: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Return the regions `(h, w)` of labels `(h, w)`, counted from 1, 0 for nodata, and their labels `(n + 1,)`."""
    begins = np.ones(values.shape, np.bool_)
    begins[:, 1:] = values[:, 1:] != values[:, :-1]
    runs = (np.cumsum(begins, dtype=np.int32) - 1).reshape(values.shape)
    # If two runs touch in several columns, the first column is sufficient.
    touch = values[1:] == values[:-1]
    touch[:, 1:] &= ~(touch[:, :-1] & ~begins[1:, 1:] & ~begins[:-1, 1:])
    group = _connected_components(runs[:-1][touch], runs[1:][touch], int(runs[-1, -1]) + 1)
    label_of_group = np.zeros(int(group.max()) + 1, values.dtype)
    label_of_group[group] = values[begins]
    valid = label_of_group != NO_DATA
    number = np.cumsum(valid, dtype=np.int32) * valid
    labels = np.concatenate((np.array([NO_DATA], values.dtype), label_of_group[valid]))
    return number.astype(np.int32)[group][runs], labels


def count_regions(rows: Iterable[NDArray[Any]]) -> int:
    """Count the regions of a raster whose labels `(h, w)` come from top to bottom."""
    named = merged = 0
    for strip in region_strips(rows):
        named = max(named, int(strip.names.max()))
        merged += len(strip.merged)
    return named - merged


def _match_above(
    above: NDArray[np.int64], below: NDArray[np.int32], size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Match the regions of a strip with those of the strip above.

    Args:
        above: Names of the pixels in the last row above `(w,)`.
        below: Regions of the pixels below them `(w,)`; 0 if their labels differ.
        size: Number of regions of the strip, including 0.

    Returns:
        The names `(size,)` of regions that continue from above, 0 for others; `above` with its current names; and the
        names that end, as in `RegionStrip.merged`.
    """
    old, place = np.unique(above, return_inverse=True)
    shared = below > 0
    group = _connected_components(place[shared], below[shared] + len(old), len(old) + size)
    # Reversed, so that the first and oldest name of a group is the one that remains.
    kept = np.zeros(int(group.max()) + 1, np.int64)
    kept[group[: len(old)][::-1]] = old[::-1]
    now = kept[group[: len(old)]]
    ends = now != old
    return kept[group[len(old) :]], now[place], np.stack((old[ends], now[ends]), axis=1)


def _connected_components(one: NDArray[Any], other: NDArray[Any], size: int) -> NDArray[np.int32]:
    """Return the component of each of `size` nodes with edges from `one` to `other`, in the order of first nodes."""
    edges = coo_array((np.ones(len(one), np.bool_), (one, other)), shape=(size, size))
    found: NDArray[np.int32] = connected_components(edges, directed=False)[1]
    return found
