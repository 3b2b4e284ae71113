"""Label maps, read from files and checked."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentclust.api import LatentclustError, decode_errors

Colour = tuple[int, int, int]

_DEEP = ("I", "F")
"""How the modes of more than 8 bits a channel begin."""

_INDEXED = frozenset({"1", "L", "P", "I", "I;16", "I;16B", "I;16L", "I;16N"})
"""The modes whose pixels are whole numbers."""

_COLOURED = frozenset({"RGB", "RGBA"})

_UNKNOWN = -2
"""Stands, in a table of labels, for an id that no class has."""


def read_ids(path: Path) -> NDArray[Any]:
    """The ids `(h, w)` of a label map, as whole numbers: grey values, or a palette's indices.

    Raises:
        LatentclustError: a damaged file, one in colour, or one with fractional values.
    """
    with decode_errors(path), Image.open(path) as file:
        mode = file.mode
        ids = np.asarray(file)
    if mode == "F":
        what = f"holds fractional values ({ids.dtype}), and labels are whole numbers"
        raise LatentclustError.at(str(path), what, "Save the label map with 8 or 16 bits a pixel")
    if mode not in _INDEXED or ids.ndim != 2:
        what = f"is in colour (mode {mode}), and indices are needed"
        raise LatentclustError.at(
            str(path), what, "Save indices, or (masks of your own) name the colours in data.palette"
        )
    return ids.astype(np.uint8) if mode == "1" else ids


def is_coloured(path: Path) -> bool:
    """Whether a label map is in colours, and not in indices; raises LatentclustError where it is no image."""
    with decode_errors(path), Image.open(path) as file:
        return file.mode in _COLOURED


def read_colours(path: Path, palette: Sequence[Colour]) -> NDArray[np.int64]:
    """The positions `(h, w)` in a palette of a label map's colours.

    Raises:
        LatentclustError: a damaged file, or a colour that is not in the palette: count, colour and first place.
    """
    with decode_errors(path), Image.open(path) as file:
        if file.mode.startswith(_DEEP):
            what = f"more than 8 bits a channel (mode {file.mode})"
            raise LatentclustError.at(str(path), what, "Save the label map in 8-bit colours")
        colours = np.asarray(file.convert("RGB")).astype(np.int64)
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
            str(path), what, "Mend the label map, or (masks of your own) add the colour to data.palette"
        )
    return ids


def _codes(colours: NDArray[np.int64]) -> NDArray[np.int64]:
    codes: NDArray[np.int64] = (colours << (16, 8, 0)).sum(-1)
    return codes


def to_labels(ids: NDArray[Any], classes: Mapping[int, int], path: Path) -> NDArray[np.int16]:
    """Labels `(h, w)`, 0-based classes or VOID, of the ids of a file.

    Args:
        ids: The ids `(h, w)`.
        classes: The label of every id that may occur.
        path: The file that an error names.

    Raises:
        LatentclustError: an id that has no label: how many pixels, which id, and where the first is.
    """
    table = np.full(max(classes) + 2, _UNKNOWN, np.int16)
    for id_, label in classes.items():
        table[id_] = label
    outside = (ids < 0) | (ids >= len(table) - 1)
    labels: NDArray[np.int16] = table[np.where(outside, np.intp(len(table) - 1), ids)]
    wrong = labels == _UNKNOWN
    if wrong.any():
        row, column = _first(wrong)
        what = f"{_pixels(wrong)} have a label of no class, the first {ids[row, column]} at {_place(row, column)}"
        known = ", ".join(_ranges(sorted(classes)))
        raise LatentclustError.at(str(path), what, f"Labels are {known}: mend the label map")
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
    """Whole numbers in ascending order, as ranges: `0 to 3`, `7`."""
    starts = [id_ for id_ in ids if id_ - 1 not in ids]
    ends = [id_ for id_ in ids if id_ + 1 not in ids]
    return [str(first) if first == last else f"{first} to {last}" for first, last in zip(starts, ends, strict=True)]
