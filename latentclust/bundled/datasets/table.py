"""Comma-separated tables with one sample per row."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.api import LatentclustError, decode_errors

_ENCODING = "utf-8-sig"


def read_csv(
    path: Path, label: str | int | None, header: bool | None, width: int | None = None
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Read the numbers `(n, d)` of a table and the cells of the label column as text `(n,)`.

    Args:
        path: Path of the file. Cells may be quoted.
        label: Name or 0-based position of the label column; negative positions count from the end. None for no labels.
        header: Whether the first row contains column names. None: it does if none of its cells is a number.
        width: Number of columns of a table that has no label column, whatever `label` is. None: any other.

    Raises:
        LatentclustError: If rows differ in length, a cell is not a number, or there are no rows or no such column.
    """
    with decode_errors(path):
        first, rows = _scan(path)
    named = header if header is not None else not any(map(_is_number, first))
    if rows <= named:
        raise LatentclustError.at(str(path), "contains no rows", "Use a table with one sample per row")
    column = None if label is None or len(first) == width else _column(label, first, named, path)
    features = [index for index in range(len(first)) if index != column]
    with decode_errors(path, "Write numbers without units; set data.label_column to a column of text"):
        numbers = _cells(path, features, named, np.float32)
        return numbers, None if column is None else _cells(path, [column], named, np.str_)[:, 0]


def _scan(path: Path) -> tuple[list[str], int]:
    """Return the first row and the number of rows. Raise LatentclustError if rows differ in length."""
    first: list[str] = []
    count = 0
    with path.open(newline="", encoding=_ENCODING) as file:
        reader = csv.reader(file)
        for row in filter(None, reader):
            first = first or row
            count += 1
            if len(row) != len(first):
                what = f"{len(row)} cells, but the first row has {len(first)}"
                raise LatentclustError.at(f"{path}, line {reader.line_num}", what, "Write the same columns in all rows")
    return first, count


def _cells(path: Path, columns: list[int], named: bool, dtype: type[np.generic]) -> NDArray[Any]:
    with path.open(encoding=_ENCODING) as file:
        lines = (line for line in file if line.strip())
        return np.loadtxt(
            lines, dtype, delimiter=",", skiprows=int(named), usecols=columns, quotechar='"', comments=None, ndmin=2
        )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _column(label: str | int, first: list[str], named: bool, path: Path) -> int:
    names = first if named else []
    if isinstance(label, str) and label in names:
        return names.index(label)
    if isinstance(label, int) and -len(first) <= label < len(first):
        return label % len(first)
    what = f"no column {label!r} among {len(first)}" + (f": {', '.join(names[:10])}" if names else ", without names")
    raise LatentclustError.at(str(path), what, "Set data.label_column to a name in the header or a position from 0")
