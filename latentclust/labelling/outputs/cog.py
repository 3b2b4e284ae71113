"""Rasters written from top to bottom under a temporary name, and turned into Cloud-Optimized GeoTIFFs when whole."""

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
"""Side of the temporary file's blocks, pixels; each is written once."""

COG_BLOCK = 512
"""Side of the finished file's blocks, pixels."""

Overviews = Literal["MODE", "AVERAGE"]
"""How coarser pixels come from finer ones: the most frequent label, or the mean confidence."""

Palette = Mapping[int, tuple[int, int, int, int]]


@final
class RowWriter:
    """A raster that grows by whole rows."""

    def __init__(self, file: DatasetWriter, kind: np.dtype[Any]) -> None:
        """Appends to a new file."""
        self._file, self._top = file, 0
        self._pending = np.empty((0, file.count, file.width), kind)

    def append(self, rows: NDArray[Any]) -> None:
        """Rows `(n, width)`, or `(n, bands, width)`; they are written as soon as they fill a row of blocks."""
        self._pending = np.concatenate((self._pending, rows.reshape(len(rows), self._file.count, -1)))
        whole = len(self._pending) - len(self._pending) % BLOCK
        if self._top + len(self._pending) == self._file.height:
            whole = len(self._pending)
        for start in range(0, whole, BLOCK):
            self._write(self._pending[start : min(start + BLOCK, whole)])
        self._pending = self._pending[whole:].copy()

    def _write(self, rows: NDArray[Any]) -> None:
        """Blocks without data are left out of the file."""
        for left in range(0, rows.shape[2], BLOCK):
            part = rows[:, :, left : left + BLOCK]
            if part.any():
                self._file.write(part.swapaxes(0, 1), window=Window(left, self._top, part.shape[2], len(part)))
        self._top += len(rows)


@contextmanager
def create_draft_raster(
    path: Path, where: Georeference, kind: np.dtype[Any], palette: Palette | None = None, bands: Sequence[str] = ("",)
) -> Iterator[RowWriter]:
    """A new raster, 0 its nodata value; what goes wrong with the file becomes a LatentclustError.

    Args:
        path: A temporary name.
        where: Its size and place.
        kind: The type of its values.
        palette: Red, green, blue and alpha of values.
        bands: What each band is called.
    """
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
        rows = RowWriter(file, kind)
        yield rows


def convert_to_cog(draft: Path, target: Path, overviews: Overviews, where: Georeference, labelled: int) -> None:
    """Turns a finished draft into a Cloud-Optimized GeoTIFF, and reads it back.

    Raises:
        LatentclustError: It cannot be written, or what was written is not what should be there.
    """
    layout = {"COMPRESS": "DEFLATE", "BLOCKSIZE": COG_BLOCK, "BIGTIFF": "IF_SAFER", "NUM_THREADS": "ALL_CPUS"}
    options = {**layout, "OVERVIEW_RESAMPLING": overviews}
    with write_errors(target), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        copy(draft, target, driver="COG", **options)
        with rasterio.open(target) as file:
            found = sum(int(np.count_nonzero(file.read(1, window=window))) for _, window in file.block_windows(1))
            same = Georeference.from_dataset(file)
    if found != labelled:
        what = f"holds {found:,} pixels of data after it was written, and {labelled:,} are labelled"
        raise LatentclustError.at(str(target), what, OUT_FIX)
    if not same.equals(where):
        what = "its coordinate system or transform cannot be kept in a GeoTIFF exactly"
        raise LatentclustError.at(str(target), what, "Convert the scene with gdal_translate first")


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turns what GDAL and the system say of a file that cannot be written into a LatentclustError that names it."""
    try:
        yield
    except (OSError, RasterioError) as error:
        raise LatentclustError.at(str(path), f"cannot be written ({error})", OUT_FIX) from error
