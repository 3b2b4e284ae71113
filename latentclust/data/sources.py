"""Sources of samples: arrays in memory, with checks, and data sets of sources."""

import csv
import struct
import tarfile
import tokenize
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
from latentclust.specs.data import VOID, ImageSet, ImageSource, SealedLabels
from latentclust.tensors import Shape

UINT8_MAX = 255

_IMAGE_RANK = 4
_VECTOR_RANK = 2
_RESIZE_CHUNK = 1024
_LOOKED_AT = 64
_BLANK = ("", "nan", "nat", "none", "null", "na", "n/a", "<na>")
_UNREADABLE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    Image.DecompressionBombError,
    csv.Error,
    struct.error,
    tarfile.TarError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""Exceptions that decoders raise for damaged or foreign files: Pillow raises SyntaxError, scipy TypeError, h5py
RuntimeError, and NumPy's headers TokenError. RecursionError and NotImplementedError are RuntimeErrors."""


@contextmanager
def decode_errors(path: Path | str, fix: str = "Fetch or copy the file again") -> Iterator[None]:
    """Raise a decoder's exception for a damaged file as a LatentclustError.

    Args:
        path: File or URL that the block reads.
        fix: Advice for the user.
    """
    try:
        yield
    except MemoryError as error:
        fix = "Check the file: it may state more values than it has; or split it"
        raise LatentclustError.at(str(path), f"does not fit into memory ({error})", fix) from error
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
        # A transposed array keeps its memory layout when read, and the last bits of a convolution depend on it.
        samples: NDArray[Any] = np.ascontiguousarray(self._array[indices])
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


def resized(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return images `(n, c, h, w)` resized to `(n, c, size, size)`, bilinearly with antialiasing and rounding.

    Raises:
        LatentclustError: If there is not enough memory for them.
    """
    if images.shape[2:] == (size, size):
        return images
    try:
        out = np.empty((*images.shape[:2], size, size), np.uint8)
    except (MemoryError, ValueError) as error:  # ValueError: more than the address space
        what = f"{len(images):,} images of {size}x{size} pixels do not fit into memory"
        raise LatentclustError.at("data.size", what, "Choose a smaller size") from error
    for start in range(0, len(images), _RESIZE_CHUNK):
        chunk = torch.from_numpy(images[start : start + _RESIZE_CHUNK].astype(np.float32, order="C"))
        scaled = interpolate(chunk, (size, size), mode="bilinear", align_corners=False, antialias=True)
        out[start : start + len(chunk)] = scaled.round_().clamp_(0, UINT8_MAX).to(torch.uint8).numpy()
    return out


def image_set(source: ImageSource, labels: NDArray[Any] | None, classes: Sequence[str], where: str) -> ImageSet:
    """Return a data set of checked samples with sealed labels.

    Args:
        source: The samples. They must not all be the same; of samples in files, a few are compared.
        labels: 0-based classes `(n,)`, `VOID` for a sample without a label, or None.
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
    low, high = labels.min(), labels.max()
    if not np.issubdtype(labels.dtype, np.integer) or low < VOID or (classes and high >= len(classes)):
        what = f"has labels of type {labels.dtype} from {low} to {high} for {len(classes)} classes"
        raise LatentclustError.at(where, what, f"Use classes from 0 to their number minus 1, and {VOID} for none")
    missing = int(np.count_nonzero(labels == VOID))
    if missing == len(labels):
        return ImageSet(source, None, (), notes=(f"none of the {missing:,} labels names a class: they were ignored",))
    counted = f"{missing:,} of {len(labels):,} samples have no label: scores are of the other {len(labels) - missing:,}"
    return ImageSet(source, SealedLabels(labels.astype(np.int64)), tuple(classes), notes=(counted,) if missing else ())


def encode_labels(labels: NDArray[Any]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the 0-based classes `(n,)` of labels, `VOID` where one is missing, and the class names in order.

    A label is missing if it is blank, NaN, None, or -1 among names or integers from 0 on, as scikit-learn marks
    unlabelled samples. Where all labels are 1 and -1, both are classes.

    Args:
        labels: Numbers or text `(n,)`, or of any shape with `n` values. Spaces around text do not count.

    Example:
        >>> encode_labels(np.array(["cat", "", "ant", "cat"]))
        (array([ 1, -1,  0,  1]), ('ant', 'cat'))
    """
    values = np.ravel(labels)
    if values.dtype.kind not in "biuf":
        values = np.array([_as_text(value) for value in values], np.str_)
    missing = _missing(values)
    codes = np.full(len(values), VOID, np.int64)
    classes, codes[~missing] = np.unique(values[~missing], return_inverse=True)
    return codes, tuple(str(name) for name in classes)


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which numbers or texts are missing labels."""
    if values.dtype.kind == "b":
        return np.zeros(len(values), np.bool_)
    missing: NDArray[np.bool_]
    if values.dtype.kind != "U":
        missing = np.isnan(values) | _unlabelled(values)
        return missing
    missing = np.isin(np.char.lower(values), _BLANK)
    given = values[~missing]
    try:
        missing[~missing] = _unlabelled(given.astype(np.float64))
    except ValueError:  # some are names
        missing[~missing] = given == str(VOID)
    return missing


def _unlabelled(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which numbers are -1, where all others are integers from 0 on and some are not 1."""
    rest = values[(values != VOID) & ~np.isnan(values)]
    counted = not ((rest < 0) | (rest != np.round(rest))).any()
    signs = len(rest) > 0 and bool((rest == -VOID).all())
    return np.equal(values, VOID) if counted and not signs else np.zeros(len(values), np.bool_)


def _as_text(value: object) -> str:
    """Return a label as text; MATLAB stores each text as an array, an empty one without an element."""
    if isinstance(value, np.ndarray):
        return _as_text(value.flat[0]) if value.size else ""
    return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip()


def _check_varied(source: ImageSource, where: str) -> None:
    """Raise LatentclustError if all samples are the same. Of files, `_LOOKED_AT` are compared, drawn at random."""
    count = len(source)
    looked_at = np.arange(count)
    if not isinstance(source, ArraySource) and count > _LOOKED_AT:
        looked_at = np.sort(np.random.default_rng(0).choice(count, _LOOKED_AT, replace=False))
    first = source.read(looked_at[:1])
    for start in range(0, len(looked_at), _LOOKED_AT):
        if np.any(source.read(looked_at[start : start + _LOOKED_AT]) != first):
            return
    constant = bool(np.all(first == first.flat[0]))
    if constant or count > 1:
        value = f", every value {first.flat[0]}" if constant else ""
        what = f"all {len(looked_at)} compared samples, of {count}, are identical{value}"
        raise LatentclustError.at(where, what, "Check how the images were written: there is nothing to cluster")
