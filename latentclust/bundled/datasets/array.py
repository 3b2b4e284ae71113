"""Array files of the user."""

from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any, ClassVar, Literal

from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from latentclust.api import (
    ArrayReading,
    ArraySource,
    DatasetSpec,
    ImageSet,
    LatentclustError,
    Shape,
    encode_labels,
    image_set,
    resolve_path,
)
from latentclust.bundled.datasets.array_files import Arrays, read_h5ad, read_mat, read_npy, read_npz
from latentclust.bundled.datasets.table import TableOptions, read_table


class Array(DatasetSpec):
    """Vectors `(n, d)` or images `(n, h, w)`, `(n, h, w, c)` or `(n, c, h, w)` from a file, with labels if it has any.

    Example:
        ```toml
        [data]
        use = "array"
        path = "spectra.csv"
        label_column = "species"
        range = [0.0, 4095.0]
        ```
    """

    summary: ClassVar[str] = "your own array file: .npy, .npz, .csv, .tsv, .mat or .h5ad"
    licence: ClassVar[str] = "your own"
    layout: ClassVar[str] = "the file that data.path names"

    path: Path = Field(examples=["absent.npy"])
    """Path of the file, relative to the working folder or a data folder."""

    x: str | None = None
    """Key of the samples in a .npz, .mat or .h5ad file. Defaults to `x` or `X`."""

    y: str | None = None
    """Key of the labels in a .npz or .mat file, `y` or `Y` by default, or their column of `obs` in a .h5ad file."""

    label_column: str | int | None = None
    """Column of the labels in a .csv file: a name in the header, or a position from 0 (negative: from the end)."""

    header: bool | None = None
    """Whether the first row of a .csv file contains column names. Detected by default."""

    columns: tuple[str | int, ...] = ()
    """Columns of the samples in a .csv file, in order, as names or positions. Defaults to all but the labels."""

    separator: str | None = Field(default=None, min_length=1, max_length=1)
    """Character between the cells of a .csv file: a comma, semicolon, tab or bar. Detected by default."""

    shape: tuple[PositiveInt, ...] | None = None
    """Stored shape of one sample, if each row is a flattened image."""

    layout_of_images: Literal["hwc", "chw"] | None = None
    """Position of the channels of images. Detected from the shape by default."""

    range: tuple[float, float] | None = None
    """Values that map to 0 and 1. Defaults to 0 and 255 for bytes, and to 0 and 1 for other types."""

    size: PositiveInt | None = None
    """Side in pixels of the square that images are resized to. None keeps their size."""

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """Return the path of the file, or None if it does not exist."""
        return resolve_path(self.path, roots)

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Read the file and scale its values to [0, 1]."""
        path = self.located(roots)
        if path is None:
            raise LatentclustError.at("data.path", f"{self.path} does not exist", "Name an existing file")
        samples, labels = self._read(path)
        if samples.dtype.kind not in "buif":
            raise LatentclustError.at(str(path), f"the samples are {samples.dtype}", "Use real numbers")
        shaped = self._reading.shaped(samples, str(path))
        source = ArraySource(self._reading.scaled(shaped, str(path)), str(path))
        if labels is None:
            return image_set(source, None, (), str(path))
        return image_set(source, *encode_labels(labels), str(path))

    def read_array(self, path: Path, shape: Shape) -> NDArray[Any]:
        """Read the samples of a file of new data by the options of this set. A table may lack the label column."""
        samples, _ = self._read(path, prod(self.shape or shape), labelled=False)
        return self._reading.shaped(samples, str(path))

    @property
    def _table(self) -> TableOptions:
        return TableOptions(self.label_column, self.columns, self.header, self.separator)

    def _read(self, path: Path, width: int | None = None, *, labelled: bool = True) -> Arrays:
        """Return the samples and labels of a file. `width` is that of a table without labels."""
        readers: dict[str, Callable[[], Arrays]] = {
            ".npy": lambda: read_npy(path, mapped=not labelled),
            ".npz": lambda: read_npz(path, self.x, self.y, labelled=labelled),
            ".csv": lambda: read_table(path, self._table, width),
            ".tsv": lambda: read_table(path, self._table, width),
            ".mat": lambda: read_mat(path, self.x, self.y, labelled=labelled),
            ".h5ad": lambda: read_h5ad(path, self.x, self.y if labelled else None),
        }
        suffix = path.suffix.lower()
        if suffix not in readers:
            what = f"must be one of {', '.join(readers)}, got {path}"
            raise LatentclustError.at("data.path", what, "Convert the file to one of these formats")
        return readers[suffix]()

    @property
    def _reading(self) -> ArrayReading:
        return ArrayReading(self.shape, self.layout_of_images, self.range, self.size)
