"""A raster of classes that labels are compared with: its classes found, and its pixels behind the seal."""

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
from latentclust.labelling.reference.resample import Aligned
from latentclust.specs.data import VOID, MapSource

MOST_CLASSES = 1000
"""A reference of more values is none of classes."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A raster of classes on the grid of a scene.

    Attributes:
        maps: The classes of each block of the scene, one block at a time.
        names: Of the classes, by ascending value.
        pixels: How many pixels have a class.
    """

    maps: "ReferenceMaps"
    names: tuple[str, ...]
    pixels: int


@final
class ReferenceMaps(MapSource):
    """The classes of blocks of a raster: 0-based, in the order of its values, `VOID` where it has none."""

    def __init__(self, pixels: "_Pixels", blocks: Sequence[Block], values: NDArray[Any]) -> None:
        """Classes of ascending `values`."""
        self._pixels, self._blocks, self._values = pixels, blocks, values

    def __len__(self) -> int:
        """How many blocks there are."""
        return len(self._blocks)

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.int16]:
        """The map `(1, h, w)` of one block; blocks at the border are smaller than others."""
        (index,) = indices
        values, valid = self._pixels.read(self._blocks[index])
        classes = np.searchsorted(self._values, values)
        return np.where(valid, classes, VOID).astype(np.int16)[np.newaxis]


@dataclass(frozen=True, slots=True)
class _Pixels:
    """The one band of a reference."""

    file: Opened
    band: int
    path: Path
    nodata: int | None

    def read(self, block: Block) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Values and where they are classes `(h, w)`; 0 where they are not."""
        with decode_errors(self.path):
            values, valid = read_window(self.file, [self.band], block.window)
        if self.nodata is not None:
            valid = valid & (values[0] != self.nodata)
        return np.where(valid, values[0], 0), valid


def check_reference(file: DatasetReader, path: Path) -> int:
    """The band that holds classes; raises LatentclustError for several bands, or values that are no real numbers."""
    bands = bands_of(file)
    if len(bands) != 1:
        what = f"has {len(bands)} bands, and a reference has one, of classes"
        raise LatentclustError.at(str(path), what, "Give a raster of one band")
    kind = np.dtype(file.dtypes[bands[0] - 1])
    if kind.kind not in "uif":
        raise LatentclustError.at(str(path), f"holds values of type {kind}", "Give a raster of whole numbers")
    return bands[0]


def open_reference(found: Aligned, band: int, path: Path, nodata: int | None, blocks: Sequence[Block]) -> Reference:
    """Goes through a reference once, block by block, and finds its classes.

    Args:
        found: On the scene's grid.
        band: Of the classes.
        path: Its file.
        nodata: A value that is no class, beside what the file says.
        blocks: Of the scene.

    Raises:
        LatentclustError: No pixel with a class on the scene, values that are no whole numbers or too many of them, or
            a damaged file.
    """
    pixels = _Pixels(found.file, band, path, nodata)
    values: set[Any] = set()
    count = 0
    for part in _valid_values(pixels, blocks):
        count += len(part)
        values.update(np.unique(part).tolist())
        _check_values(part, len(values), path)
    if not count:
        what = "has no pixel with a class where the scene lies"
        raise LatentclustError.at(str(path), what, "Check that the two overlap, and the reference's nodata value")
    ascending = np.array(sorted(values), np.dtype(found.file.dtypes[band - 1]))
    names = tuple(f"class {int(value)}" for value in ascending.tolist())
    return Reference(ReferenceMaps(pixels, blocks, ascending), names, count)


def _valid_values(pixels: _Pixels, blocks: Sequence[Block]) -> Iterator[NDArray[Any]]:
    for block in blocks:
        values, valid = pixels.read(block)
        yield values[valid]


def _check_values(part: NDArray[Any], distinct: int, path: Path) -> None:
    fractions = part[part != np.rint(part)] if part.dtype.kind == "f" else part[:0]
    if len(fractions):
        what = f"holds {fractions[0]:g}, which is no whole number"
        raise LatentclustError.at(str(path), what, "Give a raster of classes")
    if distinct > MOST_CLASSES:
        what = f"holds more than {MOST_CLASSES:,} different values"
        raise LatentclustError.at(str(path), what, "Give a raster of classes, or name its nodata value")
