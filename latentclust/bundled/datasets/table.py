"""Tables of text with one sample per row: comma-separated values and their relatives."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.api import TABLE_ENCODING, LatentclustError, decode_errors, find_separator

LOOKED_AT = 20
"""Number of rows by which the decimal sign is detected."""

Column = str | int
"""A name in the header, or a position from 0; a negative one counts from the end."""


@dataclass(frozen=True, slots=True)
class TableOptions:
    """How a table is read.

    Attributes:
        label: Column of the labels. None for no labels.
        columns: Columns of the samples, in order. Empty for all but that of the labels.
        header: Whether the first row contains column names. None: it does if none of its cells is a number.
        separator: Character between cells. None: the one that divides the first rows alike.
    """

    label: Column | None = None
    columns: tuple[Column, ...] = ()
    header: bool | None = None
    separator: str | None = None


@dataclass(frozen=True, slots=True)
class _Layout:
    """The layout of a table.

    Attributes:
        first: Cells of the first row.
        rows: Number of rows, with that of the names.
        named: Whether the first row contains column names.
        separator: Character between cells.
        number: Returns the number in a cell.
    """

    first: list[str]
    rows: int
    named: bool
    separator: str
    number: Callable[[str], float]


def read_table(
    path: Path, options: TableOptions, width: int | None = None
) -> tuple[NDArray[np.float32], NDArray[Any] | None]:
    """Read the numbers `(n, d)` of a table and the cells of the label column as text `(n,)`.

    Args:
        path: Path of the file. Cells may be quoted.
        options: How it is read.
        width: Number of values of a sample of new data, which may lack the label column. None: it must be there.

    Raises:
        LatentclustError: If rows differ in length, a cell is not a number, or there are no rows or no such column.
    """
    layout = _scan(path, options)
    label = _label(options.label, layout, width, path)
    with decode_errors(path, "Write numbers without units; choose columns of numbers with data.columns"):
        numbers = _cells(path, layout, _features(layout, options, label, path), np.float32)
        return numbers, None if label is None else _cells(path, layout, [label], np.str_)[:, 0]


def _label(label: Column | None, layout: _Layout, width: int | None, path: Path) -> int | None:
    """Return the position of the label column. None if there is none, as may be in new data."""
    absent = isinstance(label, str) and layout.named and label not in layout.first
    if label is None or (width is not None and (absent or len(layout.first) == width)):
        return None
    return _position(label, layout, path, "data.label_column")


def _scan(path: Path, options: TableOptions) -> _Layout:
    """Return the layout of a table. Raise LatentclustError if rows differ in length, or there are none."""
    with decode_errors(path):
        separator = options.separator or find_separator(path)
        with path.open(newline="", encoding=TABLE_ENCODING) as file:
            reader = csv.reader(file, delimiter=separator)
            first: list[str] = []
            commas, count = False, 0
            for row in filter(None, reader):
                first = first or row
                count += 1
                commas = commas or (
                    count <= LOOKED_AT and any("," in cell and _is_number(cell, _with_comma) for cell in row)
                )
                if len(row) != len(first):
                    what = f"{len(row)} cells, but the first row has {len(first)}"
                    fix = "Write the same columns in all rows"
                    raise LatentclustError.at(f"{path}, line {reader.line_num}", what, fix)
    number = _with_comma if commas and separator != "," else float
    named = options.header if options.header is not None else not any(_is_number(cell, number) for cell in first)
    if count <= named:
        raise LatentclustError.at(str(path), "contains no rows", "Use a table with one sample per row")
    return _Layout(first, count, named, separator, number)


def _features(layout: _Layout, options: TableOptions, label: int | None, path: Path) -> list[int]:
    """Return the positions of the columns of the samples."""
    if not options.columns:
        return [index for index in range(len(layout.first)) if index != label]
    chosen = [_position(column, layout, path, "data.columns") for column in options.columns]
    if label in chosen or len(set(chosen)) < len(chosen):
        what = "names a column twice" if label not in chosen else "names the column of the labels"
        raise LatentclustError.at("data.columns", what, "Name each column of the samples once")
    return chosen


def _position(column: Column, layout: _Layout, path: Path, key: str) -> int:
    """Return the position of a column. Raise LatentclustError if there is none, or several have its name."""
    names, count = layout.first if layout.named else [], len(layout.first)
    if isinstance(column, str) and names.count(column) > 1:
        what = f"{names.count(column)} columns are named {column!r}"
        raise LatentclustError.at(str(path), what, f"Set {key} to the position of one, from 0")
    if isinstance(column, str) and column in names:
        return names.index(column)
    if isinstance(column, int) and -count <= column < count:
        return column % count
    what = f"no column {column!r} among {count}" + (f": {', '.join(names[:10])}" if names else ", without names")
    raise LatentclustError.at(str(path), what, f"Set {key} to a name in the header or a position from 0")


def _cells(path: Path, layout: _Layout, columns: Sequence[int], dtype: type[np.generic]) -> NDArray[Any]:
    converters = layout.number if np.issubdtype(dtype, np.floating) and layout.number is not float else None
    with path.open(encoding=TABLE_ENCODING) as file:
        lines = (line for line in file if line.strip())
        return np.loadtxt(
            lines,
            dtype,
            delimiter=layout.separator,
            skiprows=int(layout.named),
            usecols=columns,
            quotechar='"',
            comments=None,
            converters=converters,
            ndmin=2,
        )


def _with_comma(cell: str) -> float:
    """Return a number with a decimal comma. Raise ValueError for one with a point."""
    if "." in cell:
        raise ValueError(f"{cell!r} has a decimal point, and other numbers a comma")
    return float(cell.replace(",", "."))


def _is_number(cell: str, number: Callable[[str], float]) -> bool:
    try:
        number(cell)
    except ValueError:
        return False
    return True
