"""Image files and label maps, read and checked."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from latentclust.api import (
    LatentclustError,
    decode_errors,
    depth_problem,
    displayed_size,
    image_to_array,
    open_image,
)

Colour = tuple[int, int, int]

_INDEXED = frozenset({"1", "L", "P", "I", "I;16", "I;16B", "I;16L", "I;16N"})
"""Modes with integer pixels."""

_COLOURED = frozenset({"RGB", "RGBA"})

_UNKNOWN = -2
"""Label of ids without a class."""


def image_mode(path: Path) -> str:
    """Return `L` for a grey image file and `RGB` otherwise, from its header.

    Raises:
        LatentclustError: If the file is not an image or has more than 8 bits per channel.
    """
    with open_image(path) as file:
        mode, problem = file.mode, depth_problem(file)
    if problem is not None:
        raise LatentclustError.at(str(path), problem, "Convert it to 8 bits")
    return "L" if mode in {"1", "L", "LA"} else "RGB"


def image_extent(path: Path) -> tuple[int, int]:
    """Return height and width of an image file in pixels. Raise LatentclustError if it is not an image."""
    with open_image(path) as file:
        width, height = displayed_size(file)
    return height, width


def read_image(path: Path, mode: str = "RGB") -> NDArray[np.uint8]:
    """Read an image `(c, h, w)`. Raise LatentclustError if it is damaged or has more than 8 bits per channel."""
    image_mode(path)
    with open_image(path) as file:
        return image_to_array(file, mode)


def check_same_size(image: NDArray[Any], labels: NDArray[Any], image_path: Path, labels_path: Path) -> None:
    """Raise LatentclustError if an image `(c, h, w)` and its label map `(h, w)` differ in size."""
    (height, width), (rows, columns) = image.shape[-2:], labels.shape
    if (height, width) != (rows, columns):
        what = f"is {columns}x{rows}, but its image {image_path.name} is {width}x{height}"
        raise LatentclustError.at(str(labels_path), what, "Use an image and a label map of the same size")


def read_ids(path: Path) -> NDArray[Any]:
    """Read the integer ids `(h, w)` of a label map: grey values or the indices of a palette.

    Raises:
        LatentclustError: If the file is damaged, in colour or has fractional values.
    """
    with decode_errors(path), Image.open(path) as file:
        mode = file.mode
        ids = np.asarray(ImageOps.exif_transpose(file))
    if mode == "F":
        what = f"labels must be integers, got fractional values ({ids.dtype})"
        raise LatentclustError.at(str(path), what, "Save the label map with 8 or 16 bits per pixel")
    if mode not in _INDEXED or ids.ndim != 2:
        what = f"expected indices, got an image in colour (mode {mode})"
        raise LatentclustError.at(
            str(path), what, "Save indices, or (masks of your own) name the colours in data.palette"
        )
    return ids.astype(np.uint8) if mode == "1" else ids


def is_coloured(path: Path) -> bool:
    """Return whether a label map contains colours instead of indices. Raise LatentclustError if it is not an image."""
    with decode_errors(path), Image.open(path) as file:
        return file.mode in _COLOURED


def read_colours(path: Path, palette: Sequence[Colour]) -> NDArray[np.int64]:
    """Read the colours of a label map as positions `(h, w)` in a palette.

    Raises:
        LatentclustError: If the file is damaged or has colours outside the palette.
    """
    with decode_errors(path), Image.open(path) as file:
        if (problem := depth_problem(file)) is not None:
            raise LatentclustError.at(str(path), problem, "Save the label map in 8-bit colours")
        colours = np.asarray(ImageOps.exif_transpose(file).convert("RGB")).astype(np.int64)
    codes = _codes(colours)
    known = _codes(np.array(palette, np.int64))
    order = np.argsort(known)
    place = np.minimum(np.searchsorted(known[order], codes), len(known) - 1)
    ids: NDArray[np.int64] = order[place]
    wrong = known[ids] != codes
    if wrong.any():
        row, column = _first(wrong)
        colour = tuple(map(int, colours[row, column]))
        what = f"{_pixels(wrong)} have a colour outside the palette, the first {colour} at {_place(row, column)}"
        raise LatentclustError.at(
            str(path), what, "Correct the label map, or (masks of your own) add the colour to data.palette"
        )
    return ids


def _codes(colours: NDArray[np.int64]) -> NDArray[np.int64]:
    codes: NDArray[np.int64] = (colours << (16, 8, 0)).sum(-1)
    return codes


def to_labels(ids: NDArray[Any], classes: Mapping[int, int], path: Path) -> NDArray[np.int16]:
    """Return the labels `(h, w)`, 0-based classes or VOID, of ids.

    Args:
        ids: Ids `(h, w)`.
        classes: Label of every valid id.
        path: Path of the label map, for error messages.

    Raises:
        LatentclustError: If an id has no label. It names the number of pixels and the first of them.
    """
    table = np.full(max(classes) + 2, _UNKNOWN, np.int16)
    for id_, label in classes.items():
        table[id_] = label
    outside = (ids < 0) | (ids >= len(table) - 1)
    labels: NDArray[np.int16] = table[np.where(outside, np.intp(len(table) - 1), ids)]
    wrong = labels == _UNKNOWN
    if wrong.any():
        row, column = _first(wrong)
        what = f"{_pixels(wrong)} have a label without a class, the first {ids[row, column]} at {_place(row, column)}"
        known = ", ".join(_ranges(sorted(classes)))
        raise LatentclustError.at(str(path), what, f"Correct the label map; valid labels are {known}")
    return labels


def _pixels(wrong: NDArray[np.bool_]) -> str:
    count = int(np.count_nonzero(wrong))
    return f"{count} of {wrong.size} pixels"


def _first(wrong: NDArray[np.bool_]) -> tuple[int, int]:
    row, column = np.argwhere(wrong)[0]
    return int(row), int(column)


def _place(row: int, column: int) -> str:
    return f"row {row}, column {column} (from 0)"


def _ranges(ids: list[int]) -> list[str]:
    """Return sorted integers as ranges: `0 to 3`, `7`."""
    starts = [id_ for id_ in ids if id_ - 1 not in ids]
    ends = [id_ for id_ in ids if id_ + 1 not in ids]
    return [str(first) if first == last else f"{first} to {last}" for first, last in zip(starts, ends, strict=True)]
