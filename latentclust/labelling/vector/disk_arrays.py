"""Numbers by the names of regions, kept in files, so that a raster may have more regions than memory holds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

CHUNK = 1 << 18
"""Names that are worked on at a time."""


@final
class Column:
    """One number a name, in a file; name 0 is that of no data."""

    def __init__(self, path: Path, kind: type[np.generic]) -> None:
        """A new file that holds the number 0 of name 0."""
        self._path, self._kind, self._count = path, kind, 0
        path.unlink(missing_ok=True)
        self.append(np.zeros(1, kind))

    def __len__(self) -> int:
        return self._count

    def append(self, numbers: NDArray[Any]) -> None:
        """The numbers of the next names; a full disk raises OSError here, and not where they are changed."""
        with self._path.open("ab", buffering=0) as file:
            numbers.astype(self._kind, copy=False).tofile(file)
        self._count += len(numbers)

    def opened(self) -> NDArray[Any]:
        """All numbers `(n,)`; what is changed in them is changed in the file."""
        return np.memmap(self._path, self._kind, "r+", shape=(self._count,))

    def chunks(self) -> Iterator[slice]:
        """The names from 0 on, `CHUNK` at a time."""
        return (slice(start, min(start + CHUNK, self._count)) for start in range(0, self._count, CHUNK))
