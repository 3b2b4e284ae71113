"""The raster of classes that labels are compared with: its classes, and its pixels as sealed label maps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from latentclust.data.rasters import Opened, bands_of, read_window
from latentclust.data.sources import decode_errors
from latentclust.errors import LatentclustError
from latentclust.labelling.reference.blocks import Block
from latentclust.labelling.reference.resample import AlignedRaster
from latentclust.specs.data import VOID, MapSource

MAX_CLASSES = 1000
"""Maximum number of different values of a reference."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A raster of classes on the grid of a scene.

    Attributes:
        maps: Classes of the blocks of the scene.
        names: Names of the classes, by ascending value.
        pixels: Number of pixels with a class.
    """

    maps: "ReferenceMaps"
    names: tuple[str, ...]
    pixels: int


@final
class ReferenceMaps(MapSource):
    """The classes of the blocks of a raster: 0-based in the order of its values, `VOID` for pixels without a class."""

    def __init__(self, pixels: "_Pixels", blocks: Sequence[Block], values: NDArray[Any]) -> None:
        """Number the classes in the order of the ascending `values`."""
        self._pixels, self._blocks, self._values = pixels, blocks, values

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self._blocks)

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.int16]:
        """Return the map `(1, h, w)` of one block. Blocks at the border are smaller than others."""
        (index,) = indices
        values, valid = self._pixels.read(self._blocks[index])
        classes = np.searchsorted(self._values, values)
        return np.where(valid, classes, VOID).astype(np.int16)[np.newaxis]


@dataclass(frozen=True, slots=True)
class _Pixels:
    """The only band of a reference.

    Attributes:
        file: The open raster, on the scene's grid.
        band: Number of the band.
        path: Path of the reference.
        nodata: A value that is not a class, in addition to the nodata value of the file.
    """

    file: Opened
    band: int
    path: Path
    nodata: int | None

    def read(self, block: Block) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the values `(h, w)`, 0 for pixels without a class, and whether each pixel has a class `(h, w)`."""
        with decode_errors(self.path):
            values, valid = read_window(self.file, [self.band], block.window)
        if self.nodata is not None:
            valid = valid & (values[0] != self.nodata)
        return np.where(valid, values[0], 0), valid


def check_reference(file: DatasetReader, path: Path) -> int:
    """Return the number of the only band. Raise LatentclustError if there are several or values are complex."""
    bands = bands_of(file)
    if len(bands) != 1:
        what = f"has {len(bands)} bands, but a reference must have one band of classes"
        raise LatentclustError.at(str(path), what, "Use a raster with one band")
    kind = np.dtype(file.dtypes[bands[0] - 1])
    if kind.kind not in "uif":
        raise LatentclustError.at(str(path), f"contains values of type {kind}", "Use a raster of whole numbers")
    return bands[0]


def open_reference(
    raster: AlignedRaster, band: int, path: Path, nodata: int | None, blocks: Sequence[Block]
) -> Reference:
    """Read a reference once, block by block, to find its classes.

    Args:
        raster: The reference on the scene's grid.
        band: Number of the band with the classes.
        path: Path of the reference.
        nodata: A value that is not a class, in addition to the nodata value of the file.
        blocks: Blocks of the scene.

    Raises:
        LatentclustError: If no pixel of the scene has a class, values are not whole numbers or too many, or the file is
            damaged.
    """
    pixels = _Pixels(raster.file, band, path, nodata)
    values: set[Any] = set()
    count = 0
    for part in _valid_values(pixels, blocks):
        count += len(part)
        values.update(np.unique(part).tolist())
        _check_values(part, len(values), path)
    if not count:
        what = "has no pixel with a class within the scene"
        raise LatentclustError.at(str(path), what, "Check that the two overlap, and the nodata value of the reference")
    ascending = np.array(sorted(values), np.dtype(raster.file.dtypes[band - 1]))
    names = tuple(f"class {int(value)}" for value in ascending.tolist())
    return Reference(ReferenceMaps(pixels, blocks, ascending), names, count)


def _valid_values(pixels: _Pixels, blocks: Sequence[Block]) -> Iterator[NDArray[Any]]:
    for block in blocks:
        values, valid = pixels.read(block)
        yield values[valid]


def _check_values(part: NDArray[Any], distinct: int, path: Path) -> None:
    fractions = part[part != np.rint(part)] if part.dtype.kind == "f" else part[:0]
    if len(fractions):
        what = f"contains {fractions[0]:g}, which is not a whole number"
        raise LatentclustError.at(str(path), what, "Use a raster of classes")
    if distinct > MAX_CLASSES:
        what = f"contains more than {MAX_CLASSES:,} different values"
        raise LatentclustError.at(str(path), what, "Use a raster of classes, or pass its nodata value")
