"""Images, label maps and masks in the arrays of a prepared folder, mapped into memory as they are read."""

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
"""How many arrays a source keeps mapped; each takes a file handle, of which a process has about a thousand."""


class Arrays:
    """One array after the other along their first axis. Nothing is open in a copy that is sent to a worker.

    Args:
        paths: The .npy files; None where a shard has none, and `filling` stands in its place.
        counts: Rows of each.
        shape: Of a row.
        filling: What the rows of a shard without a file hold.
    """

    def __init__(self, paths: Sequence[Path | None], counts: Sequence[int], shape: Shape, filling: int) -> None:
        self._paths = tuple(paths)
        self._ends = np.cumsum(counts)
        self._shape = shape
        self._filling = filling
        self._open: OrderedDict[int, NDArray[Any]] = OrderedDict()

    def __len__(self) -> int:
        """How many rows there are."""
        return int(self._ends[-1])

    def __getstate__(self) -> dict[str, Any]:
        """All but the open files."""
        return {**self.__dict__, "_open": OrderedDict()}

    def read(self, indices: NDArray[np.int64], dtype: Any) -> NDArray[Any]:
        """Rows `(len(indices), *shape)` in the order asked for; raises LatentclustError on a file that is damaged."""
        if indices.size and not 0 <= indices.min() <= indices.max() < len(self):
            raise IndexError(f"rows {indices.min()} to {indices.max()} of {len(self)}")
        rows = np.empty((len(indices), *self._shape), dtype)
        for shard, asked in self._by_shard(indices):
            if self._paths[shard] is None:
                rows[asked] = self._filling
            else:
                rows[asked] = self._mapped(shard)[indices[asked] - self._start(shard)]
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
        fix = "Run the same `latentclust data prepare` again: it mends what is damaged"
        try:
            array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise LatentclustError.at(str(path), f"cannot be read ({error})", fix) from error
        expected = (int(self._ends[shard]) - self._start(shard), *self._shape)
        if array.shape != expected:
            raise LatentclustError.at(str(path), f"holds {array.shape}, and the manifest says {expected}", fix)
        return array


class ShardImages(ImageSource):
    """Tiles of a prepared folder."""

    def __init__(self, arrays: Arrays, shape: Shape) -> None:
        """Reads uint8 images of `shape` `(c, h, w)`."""
        self._arrays = arrays
        self.shape = shape
        self.dtype = np.dtype(np.uint8)

    def __len__(self) -> int:
        """How many tiles there are."""
        return len(self._arrays)

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """A copy of the tiles `(len(indices), c, h, w)`."""
        return self._arrays.read(indices, np.uint8)


class ShardMaps(MapSource):
    """Their label maps; `VOID` throughout where a scene has none."""

    def __init__(self, paths: Sequence[Path | None], counts: Sequence[int], shape: Shape) -> None:
        """Reads int16 maps of `shape` `(h, w)`."""
        self._arrays = Arrays(paths, counts, shape, VOID)

    def __len__(self) -> int:
        """How many tiles there are."""
        return len(self._arrays)

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.int16]:
        """A copy of the maps `(len(indices), h, w)`."""
        return self._arrays.read(indices, np.int16)


class ShardMasks(MaskSource):
    """Which of their pixels count; all where a unit has no mask.

    Attributes:
        reads_labels: Whether ground truth decides it.
    """

    def __init__(self, paths: Sequence[Path | None], counts: Sequence[int], shape: Shape, reads_labels: bool) -> None:
        """Reads bool masks of `shape` `(h, w)`."""
        self._arrays = Arrays(paths, counts, shape, True)
        self.reads_labels = reads_labels

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        """A copy of the masks `(len(indices), h, w)`."""
        return self._arrays.read(indices, np.bool_)
