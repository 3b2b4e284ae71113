"""Merge small regions of a label raster into their largest neighbours, as GDAL's sieve does.

GDAL's own sieve does not serve: it keeps every region in memory, so that its memory grows with the raster, and rasterio
holds the interpreter's lock meanwhile. Here the numbers of regions are in files, and a run can stop after each strip.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from latentclust.labelling.vector.regions import region_strips
from latentclust.labelling.vector.uncompressed import UncompressedRaster

CHUNK = 1 << 18
"""Number of array elements that are processed at a time."""


@final
class DiskArray:
    """A growing array in a file, with one number per region name; name 0 is nodata."""

    def __init__(self, path: Path, dtype: type[np.generic]) -> None:
        """Create the file with the number 0 for name 0."""
        self._path, self._dtype, self._count = path, dtype, 0
        path.unlink(missing_ok=True)
        self.append(np.zeros(1, dtype))

    def __len__(self) -> int:
        return self._count

    def append(self, numbers: NDArray[Any]) -> None:
        """Append the numbers of the next names. A full disk raises OSError here, not when numbers are changed."""
        with self._path.open("ab", buffering=0) as file:
            numbers.astype(self._dtype, copy=False).tofile(file)
        self._count += len(numbers)

    def open(self) -> NDArray[Any]:
        """Return all numbers `(n,)`, mapped to memory. Changes go to the file."""
        return np.memmap(self._path, self._dtype, "r+", shape=(self._count,))

    def chunks(self) -> Iterator[slice]:
        """Yield the names from 0 on, `CHUNK` at a time."""
        return (slice(start, min(start + CHUNK, self._count)) for start in range(0, self._count, CHUNK))


@dataclass(frozen=True, slots=True)
class _RegionTable:
    """The properties of regions by name.

    Attributes:
        oldest: Oldest name of the same region.
        size: Number of pixels, under the oldest name.
        label: Label of every name.
        merge_target: Region that the oldest name is merged into: first its largest neighbour, at the end the last one
            of the chain of largest neighbours. Its own name if it has none or is large.
    """

    oldest: DiskArray
    size: DiskArray
    label: DiskArray
    merge_target: DiskArray

    @classmethod
    def create(cls, folder: Path) -> "_RegionTable":
        """Create an empty table in files of a folder."""
        numbers = {name: DiskArray(folder / name, np.int64) for name in ("oldest", "size", "merge_target")}
        return cls(label=DiskArray(folder / "label", np.uint16), **numbers)


def sieve(labels: UncompressedRaster, smallest: int, folder: Path, rows: int | None = None) -> None:
    """Merge each region of fewer than `smallest` pixels into its largest neighbour. The file is changed in place.

    Regions are 4-connected. If the largest neighbour is itself too small, the region becomes part of the region that
    the neighbour becomes part of. A region that reaches no region of `smallest` pixels in this way stays unchanged, and
    so do islands in nodata. Nodata is not a neighbour and stays unchanged. Of neighbours of equal size the first one
    counts, in the order from top to bottom and from left to right.

    Args:
        labels: The raster.
        smallest: Number of pixels of the smallest region that is kept.
        folder: Folder for temporary files of at most 26 bytes per region of each strip.
        rows: Number of rows per strip. Defaults to as many as memory allows.
    """
    if smallest <= 1:
        return
    table = _RegionTable.create(folder)
    _measure(labels, table, rows)
    _resolve_names(table)
    _find_neighbours(labels, table, smallest, rows)
    _follow_merges(table)
    _repaint(labels, table, smallest, rows)


def _measure(labels: UncompressedRaster, table: _RegionTable, rows: int | None) -> None:
    """Fill in the sizes and labels, and the older name of each name that turns out to be of the same region."""
    for strip in region_strips(labels.strips(rows)):
        known = len(table.size)
        fresh = strip.names >= known
        names = strip.names[fresh]
        table.oldest.append(names)
        table.merge_target.append(names)
        table.label.append(strip.labels[fresh])
        table.size.append(np.zeros(len(names), np.int64))
        size, oldest = table.size.open(), table.oldest.open()
        ended, kept = strip.merged.T
        oldest[ended] = kept
        np.add.at(size, kept, size[ended])
        np.add.at(size, strip.names[1:], np.bincount(strip.regions.ravel(), minlength=len(strip.names))[1:])


def _resolve_names(table: _RegionTable) -> None:
    """Replace older names by oldest ones. One pass is sufficient, because an older name is a smaller number."""
    oldest = table.oldest.open()
    for chunk in table.oldest.chunks():
        oldest[chunk] = _resolved(oldest, oldest[chunk])


def _resolved(successor: NDArray[np.int64], names: NDArray[np.int64]) -> NDArray[np.int64]:
    """Follow successors until each name is its own successor."""
    while not np.array_equal(names, following := successor[names]):
        names = following
    return names


def _find_neighbours(labels: UncompressedRaster, table: _RegionTable, smallest: int, rows: int | None) -> None:
    """Fill in the largest neighbour of each small region."""
    size, oldest, target = table.size.open(), table.oldest.open(), table.merge_target.open()
    for strip in region_strips(labels.strips(rows)):
        names = oldest[strip.names][strip.regions]
        one, other = _borders(oldest[strip.above], names)
        met = np.flatnonzero(size[one] < smallest)
        one, other = one[met], other[met]
        order = np.lexsort((met, -size[other], one))
        first = order[np.diff(one[order], prepend=0) != 0]
        one, other = one[first], other[first]
        better = (target[one] == one) | (size[target[one]] < size[other])
        target[one[better]] = other[better]


def _borders(above: NDArray[np.int64], names: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the names on both sides of pixel edges between two regions, ordered by the later pixel, up before left.

    Args:
        above: Names in the row above `(w,)`, 0 for nodata.
        names: Names in the strip `(h, w)`.

    Returns:
        Names and their neighbours, both `(2 e,)`: each edge is included from both sides.
    """
    near = np.zeros((*names.shape, 2), np.int64)
    near[0, :, 0], near[1:, :, 0], near[:, 1:, 1] = above, names[:-1], names[:, :-1]
    here = names[..., np.newaxis]
    edge = (near != here) & (near > 0) & (here > 0)
    pairs = np.stack((np.broadcast_to(here, edge.shape)[edge], near[edge]), axis=1)
    return pairs.ravel(), pairs[:, ::-1].ravel()


def _follow_merges(table: _RegionTable) -> None:
    """Replace each merge target by the last one of its chain.

    Two regions may be each other's largest neighbours: then the chain ends at one of them. Longer cycles do not exist,
    because all sizes along one would be equal, and each edge would precede the one that leads to it.
    """
    target = table.merge_target.open()
    moved = True
    while moved:
        moved = False
        for chunk in table.merge_target.chunks():
            before = target[chunk].copy()
            target[chunk] = target[before]
            moved |= not np.array_equal(before, target[chunk])


def _repaint(labels: UncompressedRaster, table: _RegionTable, smallest: int, rows: int | None) -> None:
    """Write the new labels of merged regions."""
    size, oldest, target, label = (each.open() for each in (table.size, table.oldest, table.merge_target, table.label))
    for strip in region_strips(labels.strips(rows)):
        before = oldest[strip.names]
        after = target[before]
        merged = (size[before] < smallest) & (size[after] >= smallest)
        if merged.any():
            labels.replace_rows(strip.top, np.where(merged, label[after], strip.labels)[strip.regions])
