"""A file of rows of equal width, which grows, is read in part, and is cut back to what was committed."""

import os
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import DTypeLike, NDArray

BLOCK = 2**16
"""Number of rows that are read at once of a column."""


@final
class RowFile:
    """Rows `(n, width)` in a file without a header. Only what is asked for is in memory.

    Args:
        path: The file. It is created if it does not exist.
        width: Number of values of a row.
        dtype: Type of the values.
    """

    def __init__(self, path: Path, width: int, dtype: DTypeLike) -> None:
        self._path, self.width, self._dtype = path, width, np.dtype(dtype)
        self._bytes = width * self._dtype.itemsize
        path.touch()

    def __len__(self) -> int:
        """Return the number of whole rows."""
        return self._path.stat().st_size // self._bytes if self._bytes else 0

    def cut(self, count: int) -> None:
        """Keep the first rows. Rows that are missing become zeros."""
        os.truncate(self._path, count * self._bytes)

    def append(self, rows: NDArray[Any]) -> None:
        """Add rows at the end, on the disk when this returns."""
        with self._path.open("ab") as file:
            file.write(np.ascontiguousarray(rows, self._dtype).tobytes())
            file.flush()
            os.fsync(file.fileno())

    def part(self, start: int, stop: int) -> NDArray[Any]:
        """Return the rows from `start` to before `stop`."""
        stop = min(stop, len(self)) if self._bytes else stop
        with self._path.open("rb") as file:
            file.seek(start * self._bytes)
            values = np.fromfile(file, self._dtype, (stop - start) * self.width)
        return values.reshape(stop - start, self.width)

    def column(self, at: int) -> NDArray[Any]:
        """Return one value of each row, `(n,)`. Only some rows are in memory at once."""
        starts = range(0, len(self), BLOCK)
        parts = [self.part(start, start + BLOCK)[:, at].copy() for start in starts]
        return np.concatenate(parts) if parts else np.empty(0, self._dtype)

    def rows(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return rows of any indices. The file is mapped only meanwhile, so that its pages do not stay in memory."""
        mapped = np.memmap(self._path, self._dtype, "r").reshape(-1, self.width)
        return np.array(mapped[indices])

    def put(self, indices: NDArray[np.int64], rows: NDArray[Any]) -> None:
        """Replace rows of any indices that the file has."""
        mapped = np.memmap(self._path, self._dtype, "r+")
        mapped.reshape(-1, self.width)[indices] = rows
        mapped.flush()
