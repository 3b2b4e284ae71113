"""Sources of image files and array files, converted to the shape and value range of a model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from latentclust.data.image_files import WHITE, FileSource, Ground, further_note, read_image
from latentclust.data.sources import UINT8_MAX, decode_errors, resized
from latentclust.errors import LatentclustError
from latentclust.specs.data import ImageSource
from latentclust.tensors import Shape

MODES = {1: "L", 3: "RGB"}
"""Pillow's mode by number of channels."""

KEYS = ("x", "X", "images", "data")
"""Names of the array to read from an .npz file with several arrays, in order of precedence."""

RESIZE_FIX = "Pass --resize, or resize them yourself"


class ImageFilesSource(ImageSource):
    """Image files, decoded when read. Colour is converted to grey, or grey to colour, as the model requires.

    Args:
        paths: The image files. Only their headers are read here.
        shape: Shape of an image as the model reads it, `(c, h, w)`.
        resize: Whether images of another size are resized.
        ground: Colour under transparent pixels, as RGB.

    Attributes:
        notes: Sentences about what the files contain and is not read.

    Raises:
        LatentclustError: If the model does not read images, or a file is unreadable or has another size.
    """

    def __init__(self, paths: Sequence[Path], shape: Shape, resize: bool, ground: Ground = WHITE) -> None:
        if len(shape) != 3 or shape[0] not in MODES:
            what = f"expected samples of shape {shape}, got an image file"
            raise LatentclustError.at(str(paths[0]), what, "Use an array file")
        self.shape, self.dtype = shape, np.dtype(np.uint8)
        self._resize, self._ground = resize, ground
        # A million paths take less memory as text than as objects with the headers of their files.
        self._paths = [str(path) for path in paths]
        further: list[Path] = []
        for path in paths:
            header = FileSource([path], where=str(path), ground=ground)
            self._check_size(path, header.shape)
            if header.notes:
                further.append(path)
        self.notes = further_note(further)

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self._paths)

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return decoded images. Raise LatentclustError if a file is damaged, or has another size than before."""
        images = np.empty((len(indices), *self.shape), np.uint8)
        for image, index in zip(images, indices, strict=True):
            path = Path(self._paths[index])
            decoded = read_image(path, self._ground)
            self._check_size(path, decoded.shape)
            image[...] = fitted(decoded, self.shape)
        return images

    def _check_size(self, path: Path, found: Shape) -> None:
        if found[1:] != self.shape[1:] and not self._resize:
            raise LatentclustError.at(str(path), _sizes(found, self.shape), RESIZE_FIX)


def fitted(image: NDArray[np.uint8], shape: Shape) -> NDArray[np.uint8]:
    """Return an image `(c, h, w)` of one or three channels, converted to `shape`; resized bilinearly."""
    picture = Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)).convert(MODES[shape[0]])
    if picture.size != (shape[2], shape[1]):
        picture = picture.resize((shape[2], shape[1]), Image.Resampling.BILINEAR)
    array = np.asarray(picture)
    return array[np.newaxis] if array.ndim == 2 else array.transpose(2, 0, 1)


class ArrayFileSource(ImageSource):
    """The samples of an array, scaled and reshaped when read, so that a memory-mapped file is never loaded completely.

    Args:
        path: File of the array, for messages.
        array: `(n, d)` for vectors; `(n, c, h, w)`, `(n, h, w, c)` or, for one channel, `(n, h, w)` for images.
        shape: Shape of one sample as the model reads it.
        resize: Whether images of another size are resized.
        range_: Values that are scaled to 0 and 1. Defaults to 0 and 255 for bytes, otherwise 0 and 1.

    Raises:
        LatentclustError: If the array has another shape or is not numeric or, when read, a value is outside the range.
    """

    def __init__(
        self, path: Path, array: NDArray[Any], shape: Shape, resize: bool, range_: tuple[float, float] | None
    ) -> None:
        if array.dtype.kind not in "buif" or not array.size:
            what = f"contains {array.dtype} values of shape {array.shape}"
            raise LatentclustError.at(str(path), what, "Use a numeric array with one sample per row")
        self.shape = shape
        self.dtype = np.dtype(np.uint8 if len(shape) == 3 else np.float32)
        self._path, self._array = path, array
        self._last = len(shape) == 3 and array.ndim == 4 and _channels_last(array.shape[1:], shape)
        self._range = range_ or ((0.0, float(UINT8_MAX)) if array.dtype == np.uint8 else (0.0, 1.0))
        bytes_ = array.dtype == np.uint8 and self._range == (0.0, float(UINT8_MAX))
        self._as_stored = len(shape) == 3 and bytes_
        found = self._chw(array[:1]).shape[1:] if array.ndim in (len(shape) + 1, len(shape)) else array.shape[1:]
        self._check(found, resize)

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._array)

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return samples: uint8 images, or float32 vectors in [0, 1]."""
        stored = self._chw(np.asarray(self._array[indices]))
        if self._as_stored:
            images = np.ascontiguousarray(stored)
        else:
            samples = self._unit(stored)
            if len(self.shape) == 1:
                return samples
            images = np.rint(samples * UINT8_MAX).astype(np.uint8)
        if images.shape[1:] == self.shape:
            return images
        if self.shape[1] == self.shape[2]:  # as the data set `array` resizes
            return resized(images, self.shape[1])
        return np.stack([fitted(image, self.shape) for image in images])

    def _chw(self, samples: NDArray[Any]) -> NDArray[Any]:
        if len(self.shape) == 3 and samples.ndim == 3:
            return samples[:, np.newaxis]
        return samples.transpose(0, 3, 1, 2) if self._last else samples

    def _unit(self, samples: NDArray[Any]) -> NDArray[np.float32]:
        low, high = self._range
        if not ((samples >= low) & (samples <= high)).all():
            what = f"values are NaN or outside {low:g} to {high:g}"
            raise LatentclustError.at(
                str(self._path), what, "Pass --range LOW HIGH with the range of the training data"
            )
        return ((samples - low) / (high - low)).astype(np.float32)

    def _check(self, found: Shape, resize: bool) -> None:
        if found == self.shape:
            return
        same_kind = len(found) == len(self.shape) and found[0] == self.shape[0]
        if len(self.shape) == 1 or not same_kind:
            what = f"expected samples of shape {self.shape}, got {found}"
            raise LatentclustError.at(str(self._path), what, "Use samples in the form of the training data")
        if not resize or self.shape[0] not in MODES:
            raise LatentclustError.at(str(self._path), _sizes(found, self.shape), RESIZE_FIX)


def _channels_last(sample: Shape, shape: Shape) -> bool:
    """Return whether the last axis of `sample` holds the channels: the first one cannot, or matches less well."""
    if sample == shape or sample[-1] != shape[0]:
        return False
    return sample[0] != shape[0] or (sample[2], sample[0], sample[1]) == shape


def _sizes(found: Shape, wanted: Shape) -> str:
    return f"expected {wanted[-1]}x{wanted[-2]} pixels, got {found[-1]}x{found[-2]}"


def read_rows(path: Path) -> NDArray[Any]:
    """Return the array of a .npy (memory-mapped), .npz or .csv file. Raise LatentclustError if it is damaged."""
    match path.suffix.lower():
        case ".npy":
            with decode_errors(path, "Write it with numpy.save, without Python objects"):
                mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
                return mapped
        case ".npz":
            return _npz(path)
        case ".csv":
            return _csv(path)
        case suffix:
            what = f"is a {suffix} file, but the model was trained on other files"
            raise LatentclustError.at(str(path), what, "Save the samples with numpy.save")


def _npz(path: Path) -> NDArray[Any]:
    # numpy does not close a damaged file that it has opened itself.
    with decode_errors(path, "Write it with numpy.savez, without Python objects"), path.open("rb") as file:
        arrays = np.load(file, allow_pickle=False)
        names = list(arrays) if len(arrays) == 1 else [name for name in KEYS if name in arrays]
        if names:
            array: NDArray[Any] = arrays[names[0]]
            return array
        what = f"contains {', '.join(arrays) or 'no array'}"
    raise LatentclustError.at(str(path), what, f"Rename the array of samples to {KEYS[0]}")


def _csv(path: Path) -> NDArray[Any]:
    """Return numbers `(n, d)`. A first row without numbers is read as column names."""
    with decode_errors(path, "Write numbers with one sample per row, without a column of labels"):
        head = pd.read_csv(path, header=None, nrows=1)
        named = bool(pd.to_numeric(head.iloc[0], errors="coerce").isna().all())
        table = pd.read_csv(path, header=0 if named else None)
        return table.to_numpy(np.float64)
