"""Writing rasters: drafts from top to bottom, converted to Cloud-Optimized GeoTIFFs once they are complete."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetWriter
from rasterio.shutil import copy
from rasterio.windows import Window

from latentclust.errors import LatentclustError
from latentclust.files import OUT_FIX
from latentclust.labelling.scenes.georeference import Georeference
from latentclust.labelling.windows.stitch import NO_DATA

BLOCK = 256
"""Block size of a draft in pixels. Each block is written once."""

COG_BLOCK = 512
"""Block size of a finished raster in pixels."""

Overviews = Literal["MODE", "AVERAGE"]
"""Resampling method of the overviews: the most frequent label, or the mean confidence."""

Palette = Mapping[int, tuple[int, int, int, int]]
"""Red, green, blue and alpha, 0 to 255, of each value."""


@final
class RowWriter:
    """A writer of a new raster, which appends rows or writes rectangles."""

    def __init__(self, file: DatasetWriter, kind: np.dtype[Any]) -> None:
        """Start at the first row of an open file with values of the given data type."""
        self._file, self._top = file, 0
        self._pending = np.empty((0, file.count, file.width), kind)

    def append(self, rows: NDArray[Any]) -> None:
        """Append rows `(n, width)` or `(n, bands, width)`. They are written once they fill a row of blocks."""
        self._pending = np.concatenate((self._pending, rows.reshape(len(rows), self._file.count, -1)))
        ready = len(self._pending) - len(self._pending) % BLOCK
        if self._top + len(self._pending) == self._file.height:
            ready = len(self._pending)
        for start in range(0, ready, BLOCK):
            self._write(self._pending[start : min(start + BLOCK, ready)])
        self._pending = self._pending[ready:].copy()

    def write(self, values: NDArray[Any], window: Window) -> None:
        """Write a rectangle `(h, w)` of a raster of one band that starts at a block. Not to be mixed with `append`."""
        if values.any():
            self._file.write(values, 1, window=window)

    def _write(self, rows: NDArray[Any]) -> None:
        """Write a row of blocks. Blocks of zeros are skipped, which leaves the file sparse."""
        for left in range(0, rows.shape[2], BLOCK):
            part = rows[:, :, left : left + BLOCK]
            if part.any():
                self._file.write(part.swapaxes(0, 1), window=Window(left, self._top, part.shape[2], len(part)))
        self._top += len(rows)


@contextmanager
def create_draft(
    path: Path, where: Georeference, kind: np.dtype[Any], palette: Palette | None = None, bands: Sequence[str] = ("",)
) -> Iterator[DatasetWriter]:
    """Create a raster with nodata value 0, and yield it open. See `create_draft_raster`."""
    layout = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "lzw", "SPARSE_OK": True}
    shape = {"count": len(bands), "dtype": kind.name, "nodata": NO_DATA, **where.profile()}
    with write_errors(path):
        file = rasterio.open(path, "w", driver="GTiff", BIGTIFF="IF_SAFER", interleave="band", **layout, **shape)
    with file:
        with write_errors(path):
            where.attach(file)
            if palette:
                file.write_colormap(1, palette)
            if any(bands):
                file.descriptions = tuple(bands)
        yield file


@contextmanager
def create_draft_raster(
    path: Path, where: Georeference, kind: np.dtype[Any], palette: Palette | None = None, bands: Sequence[str] = ("",)
) -> Iterator[RowWriter]:
    """Create a raster with nodata value 0, and yield a writer of its rows.

    Args:
        path: Temporary file name.
        where: Size and georeference.
        kind: Data type.
        palette: Colour of each value. None writes no palette.
        bands: Description of each band. An empty description is not written.

    Raises:
        LatentclustError: If the file cannot be created.
    """
    with create_draft(path, where, kind, palette, bands) as file:
        yield RowWriter(file, kind)


def convert_to_cog(draft: Path, target: Path, overviews: Overviews, where: Georeference, labelled: int) -> None:
    """Convert a complete draft to a Cloud-Optimized GeoTIFF, and verify the file by reading it.

    Args:
        draft: Raster to be converted.
        target: File to be written.
        overviews: Resampling method of the overviews.
        where: Expected size and georeference.
        labelled: Expected number of pixels that are not nodata.

    Raises:
        LatentclustError: If the file cannot be written, or its pixels or georeference are not the expected ones.
    """
    layout = {"COMPRESS": "DEFLATE", "BLOCKSIZE": COG_BLOCK, "BIGTIFF": "IF_SAFER", "NUM_THREADS": "ALL_CPUS"}
    options = {**layout, "OVERVIEWS": "IGNORE_EXISTING", "OVERVIEW_RESAMPLING": overviews}
    with write_errors(target), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        copy(draft, target, driver="COG", **options)
        with rasterio.open(target) as file:
            found = sum(int(np.count_nonzero(file.read(1, window=window))) for _, window in file.block_windows(1))
            same = Georeference.from_dataset(file)
    if found != labelled:
        what = f"expected {labelled:,} labelled pixels in the written file, got {found:,}"
        raise LatentclustError.at(str(target), what, OUT_FIX)
    if not same.equals(where):
        what = "a GeoTIFF cannot store its coordinate reference system or transform exactly"
        raise LatentclustError.at(str(target), what, "Convert the scene with gdal_translate first")


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Convert errors of GDAL and the operating system to a LatentclustError that names the file."""
    try:
        yield
    except (OSError, RasterioError) as error:
        raise LatentclustError.at(str(path), f"cannot be written ({error})", OUT_FIX) from error
