"""Sources of samples: arrays in memory and image files, with checks and conversions."""

import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn.functional import interpolate

from latentclust.errors import LatentclustError
from latentclust.specs.data import ImageSet, ImageSource, SealedLabels
from latentclust.tensors import Shape

UINT8_MAX = 255

_IMAGE_RANK = 4
_VECTOR_RANK = 2
_RESIZE_CHUNK = 1024
_LOOKED_AT = 64
_GREY_MODES = frozenset({"1", "L", "LA"})
_DEEP_MODES = frozenset({"F", "I", "I;16", "I;16B", "I;16L", "I;16N"})
_UNREADABLE = (
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    Image.DecompressionBombError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
"""Exceptions that decoders raise for damaged or foreign files; Pillow raises SyntaxError, scipy TypeError."""


@contextmanager
def decode_errors(path: Path | str, fix: str = "Fetch or copy the file again") -> Iterator[None]:
    """Raise a decoder's exception for a damaged file as a LatentclustError.

    Args:
        path: File or URL that the block reads.
        fix: Advice for the user.
    """
    try:
        yield
    except _UNREADABLE as error:
        what = f"cannot be read ({type(error).__name__}: {error})"
        raise LatentclustError.at(str(path), what, fix) from error


class ArraySource(ImageSource):
    """Samples in memory.

    Args:
        array: uint8 images `(n, c, h, w)` or float32 vectors `(n, d)`.
        where: Recipe key or file for messages.

    Raises:
        LatentclustError: If the array has another rank or type, an empty axis, or a value that is not finite.
    """

    def __init__(self, array: NDArray[Any], where: str = "data") -> None:
        kind = (array.ndim, array.dtype)
        if kind not in {(_IMAGE_RANK, np.dtype(np.uint8)), (_VECTOR_RANK, np.dtype(np.float32))}:
            what = f"is an array of shape {array.shape} and type {array.dtype}"
            raise LatentclustError.at(where, what, "Use uint8 images (n, c, h, w) or float32 vectors (n, d)")
        if array.size == 0:
            raise LatentclustError.at(
                where, f"contains no samples: its shape is {array.shape}", "Use at least one sample"
            )
        _check_finite(array, where)
        self.shape: Shape = array.shape[1:]
        self.dtype: np.dtype[Any] = array.dtype
        self._array = array

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._array)

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return a copy of the samples `(len(indices), *shape)`."""
        samples: NDArray[Any] = self._array[indices]
        return samples


def _check_finite(array: NDArray[Any], where: str) -> None:
    if array.dtype == np.uint8:
        return
    wrong = ~np.isfinite(array)
    count = int(np.count_nonzero(wrong))
    if count:
        sample, position = np.argwhere(wrong)[0][[0, -1]]
        what = f"{count} values are NaN or infinite, the first in sample {sample} at position {position}"
        raise LatentclustError.at(where, what, "Remove or fill these samples; indices count from 0")


class FileSource(ImageSource):
    """Image files, decoded when read. Headers are read at once, so that mixed sizes are found before training.

    Images are grey if all files are grey, otherwise RGB. Transparency is removed.

    Args:
        paths: Image files, in the order of the samples.
        size: Side in pixels of the square that every image is resized to. None keeps the common size of the files.
        where: Recipe key or file for messages that concern no single file.

    Raises:
        LatentclustError: If there are no files, a file is unreadable or has more than 8 bits per channel, or the files
            have several sizes and `size` is None.
    """

    def __init__(self, paths: Sequence[Path], size: int | None = None, where: str = "data") -> None:
        if not paths:
            raise LatentclustError.at(where, "contains no image files", "Use a folder that contains images")
        self._paths = tuple(paths)
        self._size = size
        sizes: dict[tuple[int, int], Path] = {}
        grey = True
        for path in self._paths:
            extent, mode = _header(path)
            sizes.setdefault(extent, path)
            grey = grey and mode in _GREY_MODES
        if size is None and len(sizes) > 1:
            examples = " and ".join(f"{path} is {w}x{h}" for (w, h), path in list(sizes.items())[:2])
            raise LatentclustError.at(where, f"images have {len(sizes)} sizes: {examples}", "Set data.size")
        width, height = (size, size) if size else next(iter(sizes))
        self._mode = "L" if grey else "RGB"
        self.shape: Shape = (1 if grey else 3, height, width)
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self._paths)

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return decoded images `(len(indices), c, h, w)`. Raise LatentclustError if a file is damaged."""
        images = np.empty((len(indices), *self.shape), np.uint8)
        for image, index in zip(images, indices, strict=True):
            path = self._paths[index]
            with decode_errors(path), Image.open(path) as file:
                image[...] = image_to_array(file, self._mode, self._size)
        return images


def _header(path: Path) -> tuple[tuple[int, int], str]:
    with decode_errors(path, "Remove it, or replace it with an image"), Image.open(path) as file:
        extent, mode = file.size, file.mode
    if mode in _DEEP_MODES:
        raise LatentclustError.at(str(path), f"has more than 8 bits per channel (mode {mode})", "Convert it to 8 bits")
    return extent, mode


def image_to_array(image: Image.Image, mode: str, size: int | None = None) -> NDArray[np.uint8]:
    """Return a Pillow image as an array `(c, h, w)`, converted to `mode` and resized bilinearly to `size`, if given."""
    converted = image.convert(mode)
    if size:
        converted = converted.resize((size, size), Image.Resampling.BILINEAR)
    array = np.asarray(converted)
    return array[np.newaxis] if array.ndim == 2 else array.transpose(2, 0, 1)


def resized(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return images `(n, c, h, w)` resized to `(n, c, size, size)`, bilinearly with antialiasing and rounding."""
    if images.shape[2:] == (size, size):
        return images
    out = np.empty((*images.shape[:2], size, size), np.uint8)
    for start in range(0, len(images), _RESIZE_CHUNK):
        chunk = torch.tensor(images[start : start + _RESIZE_CHUNK], dtype=torch.float32)
        scaled = interpolate(chunk, (size, size), mode="bilinear", align_corners=False, antialias=True)
        out[start : start + len(chunk)] = scaled.round_().clamp_(0, UINT8_MAX).to(torch.uint8).numpy()
    return out


def image_set(source: ImageSource, labels: NDArray[Any] | None, classes: Sequence[str], where: str) -> ImageSet:
    """Return a data set of checked samples with sealed labels.

    Args:
        source: The samples. They must not all be the same; of samples in files, a few are compared.
        labels: 0-based classes `(n,)`, or None.
        classes: Class names in label order; may be empty.
        where: Recipe key or file for messages.

    Raises:
        LatentclustError: If all samples are the same, the number of labels differs from that of the samples, or a label
            is not a class.
    """
    _check_varied(source, where)
    if labels is None:
        return ImageSet(source, None, ())
    if labels.shape != (len(source),):
        what = f"has {len(source)} samples, but labels of shape {labels.shape}"
        raise LatentclustError.at(where, what, "Provide one label per sample")
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or (classes and labels.max() >= len(classes)):
        what = f"has labels of type {labels.dtype} from {labels.min()} to {labels.max()} for {len(classes)} classes"
        raise LatentclustError.at(where, what, "Use classes from 0 to their number minus 1")
    return ImageSet(source, SealedLabels(labels.astype(np.int64)), tuple(classes))


def _check_varied(source: ImageSource, where: str) -> None:
    """Raise LatentclustError if all samples are the same. Of files, about `_LOOKED_AT` are compared, evenly spaced."""
    count = len(source)
    step = 1 if isinstance(source, ArraySource) else max(1, count // _LOOKED_AT)
    looked_at = np.arange(0, count, step)
    first = source.read(looked_at[:1])
    for start in range(0, len(looked_at), _LOOKED_AT):
        if np.any(source.read(looked_at[start : start + _LOOKED_AT]) != first):
            return
    constant = bool(np.all(first == first.flat[0]))
    if constant or count > 1:
        value = f", every value {first.flat[0]}" if constant else ""
        what = f"all {len(looked_at)} compared samples, of {count}, are identical{value}"
        raise LatentclustError.at(where, what, "Check how the images were written: there is nothing to cluster")
