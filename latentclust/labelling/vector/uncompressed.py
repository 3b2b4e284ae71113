"""The labels of a finished raster in a plain file, which is read and changed by rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from latentclust.labelling.outputs.cog import write_errors

STRIP_PIXELS = 1 << 19
"""Of the rows that are at work at a time."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """Labels on the disk, row after row; 0 is no data.

    Attributes:
        path: Of the file.
        extent: Height and width, pixels.
        kind: The type of the labels.
        asked: Called before each strip; raises where the user wants to stop.
    """

    path: Path
    extent: tuple[int, int]
    kind: np.dtype[Any]
    asked: Callable[[], None] = lambda: None

    def strips(self, rows: int | None = None) -> Iterator[NDArray[Any]]:
        """The labels from top to bottom, `(rows, width)` at a time; as many as `STRIP_PIXELS` unless said."""
        height, width = self.extent
        step = rows or max(1, STRIP_PIXELS // width)
        with self.path.open("rb", buffering=0) as file:
            for top in range(0, height, step):
                self.asked()
                count = min(step, height - top)
                yield np.fromfile(file, self.kind, count * width).reshape(count, width)

    def repaint(self, top: int, rows: NDArray[Any]) -> None:
        """Replaces rows `(n, width)` from row `top` on."""
        with self.path.open("r+b", buffering=0) as file:
            file.seek(top * self.extent[1] * self.kind.itemsize)
            rows.astype(self.kind, copy=False).tofile(file)


def unpack(raster: DatasetReader, path: Path, asked: Callable[[], None]) -> Unpacked:
    """Writes the one band of a raster to a new file.

    Args:
        raster: Read by rows of blocks.
        path: Of the file.
        asked: As in `Unpacked`.

    Raises:
        LatentclustError: The file cannot be written.
    """
    kind = np.dtype(raster.dtypes[0])
    step = max(raster.block_shapes[0][0], STRIP_PIXELS // raster.width)
    for top in range(0, raster.height, step):
        asked()
        rows = raster.read(1, window=Window(0, top, raster.width, min(step, raster.height - top)))
        with write_errors(path), path.open("ab", buffering=0) as file:
            rows.tofile(file)
    return Unpacked(path, (raster.height, raster.width), kind, asked)
