"""Sources of the images, label maps and masks of a prepared folder, whose arrays are memory-mapped on demand."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.errors import LatentclustError
from latentclust.specs.data import VOID, ImageSource, MapSource, MaskSource
from latentclust.tensors import Shape

OPEN_FILES = 64
"""Largest number of arrays that a source keeps mapped. Each needs a file handle, and a process has about 1000."""


class Arrays:
    """A concatenation of arrays along their first axis. A copy that is sent to a worker has no open files.

    Args:
        paths: The .npy file of each shard. None for a shard without a file, whose values are all `filling`.
        counts: Number of rows of each shard.
        shape: Shape of a row.
        filling: Value of the rows of a shard without a file.
    """

    def __init__(self, paths: Sequence[Path | None], counts: Sequence[int], shape: Shape, filling: int) -> None:
        self._paths = tuple(paths)
        self._ends = np.cumsum(counts)
        self._shape = shape
        self._filling = filling
        self._open: OrderedDict[int, NDArray[Any]] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self._ends[-1])

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without open files."""
        return {**self.__dict__, "_open": OrderedDict()}

    def read(self, indices: NDArray[np.int64], dtype: Any) -> NDArray[Any]:
        """Return rows `(len(indices), *shape)` in the order of `indices`. Raise LatentclustError for damaged files."""
        if indices.size and not 0 <= indices.min() <= indices.max() < len(self):
            raise IndexError(f"rows {indices.min()} to {indices.max()} of {len(self)}")
        rows = np.empty((len(indices), *self._shape), dtype)
        for shard, places in self._by_shard(indices):
            if self._paths[shard] is None:
                rows[places] = self._filling
            else:
                rows[places] = self._mapped(shard)[indices[places] - self._start(shard)]
        return rows

    def _by_shard(self, indices: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
        shards = np.searchsorted(self._ends, indices, side="right")
        for shard in np.unique(shards):
            yield int(shard), np.flatnonzero(shards == shard)

    def _start(self, shard: int) -> int:
        return int(self._ends[shard - 1]) if shard else 0

    def _mapped(self, shard: int) -> NDArray[Any]:
        if shard not in self._open:
            if len(self._open) >= OPEN_FILES:
                self._open.popitem(last=False)
            self._open[shard] = self._map(shard)
        self._open.move_to_end(shard)
        return self._open[shard]

    def _map(self, shard: int) -> NDArray[Any]:
        path = self._paths[shard]
        assert path is not None, "only shards with a file are mapped"
        fix = "Run the same `latentclust data prepare` again to repair damaged files"
        try:
            array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise LatentclustError.at(str(path), f"cannot be read ({error})", fix) from error
        expected = (int(self._ends[shard]) - self._start(shard), *self._shape)
        if array.shape != expected:
            raise LatentclustError.at(str(path), f"expected an array of shape {expected}, got {array.shape}", fix)
        return array


class ShardImages(ImageSource):
    """The tiles of a prepared folder."""

    def __init__(self, arrays: Arrays, shape: Shape) -> None:
        self._arrays = arrays
        self.shape = shape
        self.dtype = np.dtype(np.uint8)

    def __len__(self) -> int:
        """Return the number of tiles."""
        return len(self._arrays)

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return a copy of the tiles `(len(indices), c, h, w)`, uint8."""
        return self._arrays.read(indices, np.uint8)


class ShardMaps(MapSource):
    """The label maps of the tiles; all pixels of a shard without labels are `VOID`."""

    def __init__(self, paths: Sequence[Path | None], counts: Sequence[int], shape: Shape) -> None:
        self._arrays = Arrays(paths, counts, shape, VOID)

    def __len__(self) -> int:
        """Return the number of tiles."""
        return len(self._arrays)

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.int16]:
        """Return a copy of the maps `(len(indices), h, w)`, int16."""
        return self._arrays.read(indices, np.int16)


class ShardMasks(MaskSource):
    """The masks of the tiles; all pixels of a shard without masks are valid.

    Attributes:
        reads_labels: Whether ground truth decides which pixels are valid.
    """

    def __init__(self, paths: Sequence[Path | None], counts: Sequence[int], shape: Shape, reads_labels: bool) -> None:
        self._arrays = Arrays(paths, counts, shape, True)
        self.reads_labels = reads_labels

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return a copy of the masks `(len(indices), h, w)`."""
        return self._arrays.read(indices, np.bool_)
