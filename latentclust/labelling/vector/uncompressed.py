"""A temporary uncompressed copy of a label raster, which is read and changed in place by rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from latentclust.labelling.outputs.cog import write_errors

STRIP_PIXELS = 1 << 20
"""Number of pixels that are in memory at a time."""


@dataclass(frozen=True, slots=True)
class UncompressedRaster:
    """A file of labels, row after row; 0 is nodata.

    Attributes:
        path: Path of the file.
        extent: Height and width in pixels.
        dtype: Data type of the labels.
        check_stop: Called periodically. Raises if the user asks to stop.
    """

    path: Path
    extent: tuple[int, int]
    dtype: np.dtype[Any]
    check_stop: Callable[[], None] = lambda: None

    def strips(self, rows: int | None = None) -> Iterator[NDArray[Any]]:
        """Yield the labels from top to bottom, `(rows, width)` at a time.

        Args:
            rows: Number of rows per strip. Defaults to `STRIP_PIXELS` pixels.
        """
        height, width = self.extent
        step = rows or max(1, STRIP_PIXELS // width)
        with self.path.open("rb", buffering=0) as file:
            for top in range(0, height, step):
                self.check_stop()
                count = min(step, height - top)
                yield np.fromfile(file, self.dtype, count * width).reshape(count, width)

    def read_rows(self, top: int, count: int) -> NDArray[Any]:
        """Return `count` rows `(count, width)` that begin with row `top`."""
        width = self.extent[1]
        with self.path.open("rb", buffering=0) as file:
            file.seek(top * width * self.dtype.itemsize)
            return np.fromfile(file, self.dtype, count * width).reshape(count, width)

    def replace_rows(self, top: int, rows: NDArray[Any]) -> None:
        """Replace the rows `(n, width)` that begin with row `top`."""
        with self.path.open("r+b", buffering=0) as file:
            file.seek(top * self.extent[1] * self.dtype.itemsize)
            rows.astype(self.dtype, copy=False).tofile(file)


def decompress_raster(raster: DatasetReader, path: Path, check_stop: Callable[[], None]) -> UncompressedRaster:
    """Write the only band of a raster to a new file, one row of blocks at a time.

    Args:
        raster: The open raster.
        path: Path of the file to write.
        check_stop: Called periodically. Raises if the user asks to stop.

    Raises:
        LatentclustError: If the file cannot be written.
    """
    dtype = np.dtype(raster.dtypes[0])
    step = max(raster.block_shapes[0][0], STRIP_PIXELS // raster.width)
    for top in range(0, raster.height, step):
        check_stop()
        rows = raster.read(1, window=Window(0, top, raster.width, min(step, raster.height - top)))
        with write_errors(path), path.open("ab", buffering=0) as file:
            rows.tofile(file)
    return UncompressedRaster(path, (raster.height, raster.width), dtype, check_stop)
