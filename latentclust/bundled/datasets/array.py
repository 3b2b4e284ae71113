"""Arrays of one's own, from a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from latentclust.api import ArraySource, DatasetSpec, ImageSet, LatentclustError, image_set, resized, resolve_path
from latentclust.bundled.datasets.arrays import Arrays, read_h5ad, read_npy, read_npz
from latentclust.bundled.datasets.matlab import read_mat
from latentclust.bundled.datasets.scaling import to_uint8, to_unit
from latentclust.bundled.datasets.table import read_csv

_CHANNELS = frozenset({1, 2, 3, 4})
"""How many channels an axis of colours may have, where no layout is given."""

_BYTE_RANGE = (0.0, 255.0)
_UNIT_RANGE = (0.0, 1.0)


class Array(DatasetSpec):
    """Vectors `(n, d)` or images `(n, h, w)`, `(n, h, w, c)` or `(n, c, h, w)`, with the labels that the file holds."""

    summary: ClassVar[str] = "your own array file: .npy, .npz, .csv, .mat or .h5ad"
    licence: ClassVar[str] = "your own"
    layout: ClassVar[str] = "the file that data.path names"

    path: Path = Field(examples=["absent.npy"])
    """The file, relative to the working folder or to a data folder."""

    x: str | None = None
    """Samples in a .npz, .mat or .h5ad file; `x` or `X` unless said."""

    y: str | None = None
    """Labels there; `y` or `Y` unless said, and in .h5ad a column of obs."""

    label_column: str | int | None = None
    """Labels in a .csv file: a name in the header, or a position from 0 (negative: from the end)."""

    header: bool | None = None
    """Whether a .csv file begins with names; found out unless said."""

    shape: tuple[PositiveInt, ...] | None = None
    """The shape of one sample as stored, where a row is a flattened image."""

    layout_of_images: Literal["hwc", "chw"] | None = None
    """Where the channels of images are; found out from the shape unless said."""

    range: tuple[float, float] | None = None
    """The values that become 0 and 1; unless said 0 and 255 for bytes, and 0 and 1 for everything else."""

    size: PositiveInt | None = None
    """Side in pixels of the square that images are resized to."""

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """The file, if it is there."""
        return resolve_path(self.path, roots)

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Reads the file and brings its values to [0, 1]."""
        path = self.located(roots)
        if path is None:
            raise LatentclustError.at("data.path", f"{self.path} is absent", "Name an existing file")
        samples, labels = self._read(path)
        if samples.dtype.kind not in "buif":
            raise LatentclustError.at(str(path), f"the samples are {samples.dtype}", "Give real numbers")
        source = ArraySource(self._scaled(self._shaped(samples, path), path), str(path))
        if labels is None:
            return image_set(source, None, (), str(path))
        if labels.dtype.kind == "f" and np.isnan(labels).any():
            what = f"{np.count_nonzero(np.isnan(labels))} samples have no label (NaN)"
            raise LatentclustError.at(str(path), what, "Label all samples, or name other labels")
        classes, codes = np.unique(np.ravel(labels), return_inverse=True)
        return image_set(source, codes, tuple(map(str, classes)), str(path))

    def _read(self, path: Path) -> Arrays:
        readers: dict[str, Callable[[], Arrays]] = {
            ".npy": lambda: read_npy(path),
            ".npz": lambda: read_npz(path, self.x, self.y),
            ".csv": lambda: read_csv(path, self.label_column, self.header),
            ".mat": lambda: read_mat(path, self.x, self.y),
            ".h5ad": lambda: read_h5ad(path, self.x, self.y),
        }
        if path.suffix not in readers:
            what = f"{path} is none of {', '.join(readers)}"
            raise LatentclustError.at("data.path", what, "Convert it to one of them")
        return readers[path.suffix]()

    def _shaped(self, samples: NDArray[Any], path: Path) -> NDArray[Any]:
        """As vectors `(n, d)` or images `(n, c, h, w)`."""
        if self.shape is not None and samples.ndim == 2 and samples.shape[1] == np.prod(self.shape):
            samples = samples.reshape(len(samples), *self.shape)
        elif self.shape is not None and samples.shape[1:] != self.shape:
            what = f"{self.shape}, where a sample in {path} is {samples.shape[1:]}"
            raise LatentclustError.at("data.shape", what, "Give the shape that a row is to be cut into")
        if samples.ndim == 3:
            return samples[:, np.newaxis]
        if samples.ndim == 4 and self._channels_last(samples.shape):
            return samples.transpose(0, 3, 1, 2)
        return samples

    def _channels_last(self, shape: tuple[int, ...]) -> bool:
        if self.layout_of_images:
            return self.layout_of_images == "hwc"
        first, last = shape[1] in _CHANNELS, shape[-1] in _CHANNELS
        if first == last:
            what = f"images of shape {shape}: the axis of channels is not plain"
            raise LatentclustError.at("data.layout_of_images", what, 'Set it to "hwc" or "chw"')
        return last

    def _scaled(self, samples: NDArray[Any], path: Path) -> NDArray[Any]:
        low, high = self.range or (_BYTE_RANGE if samples.dtype == np.uint8 else _UNIT_RANGE)
        if low >= high:
            raise LatentclustError.at("data.range", f"{low:g} to {high:g} is no range", "Give the lesser value first")
        if samples.ndim == 4:
            images = to_uint8(samples, low, high, str(path))
            return resized(images, self.size) if self.size and images.size else images
        if self.size:
            what = f"{self.size}, and {path} holds no images"
            raise LatentclustError.at("data.size", what, "Remove it, or set data.shape")
        return to_unit(samples, low, high, str(path))
