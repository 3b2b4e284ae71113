"""The table of the codes of images as a Parquet or CSV file, written in parts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentclust.errors import LatentclustError
from latentclust.files import open_atomic

SUFFIXES = (".csv", ".parquet")

PART_BYTES = 2**25
"""Largest size of the numbers of a row group."""

Read = Callable[[int, int], Any]
"""A function that returns the values of a range of rows: `(b,)` or `(b, width)`."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table.

    Attributes:
        read: Reads the values of rows.
        single: Name of one value of a row with several, followed by its number, in a CSV file.
        width: Number of values of a row. 0 for one value that is no list.
    """

    read: Read
    single: str = ""
    width: int = 0


Columns = Mapping[str, Column]


def check_table(out: Path) -> None:
    """Raise LatentclustError, before anything is read, if the file cannot be written."""
    if out.suffix.lower() not in SUFFIXES:
        fix = f"End the name in {' or '.join(SUFFIXES)}"
        raise LatentclustError.at("--out", f"{out} must be a {' or '.join(SUFFIXES)} file", fix)
    if out.suffix.lower() == ".parquet" and find_spec("pyarrow") is None:
        fix = "Install it (pip install 'latentclust[parquet]'), or write a .csv file"
        raise LatentclustError.at("--out", "Parquet files need pyarrow, which is not installed", fix)
    if out.is_dir():
        raise LatentclustError.at("--out", f"{out} is a folder", "Name a file")


def write_table(out: Path, columns: Columns, count: int, facts: Mapping[str, str], told: Callable[[int], None]) -> None:
    """Write a table part by part; the file appears when it is complete.

    Args:
        out: A .parquet or .csv file.
        columns: The columns by name.
        count: Number of rows.
        facts: Metadata of a Parquet file.
        told: Called with the number of rows of each part.

    Raises:
        LatentclustError: If the file cannot be written. An older file is then unchanged.
    """
    rows = max(64, min(2**16, PART_BYTES // (4 * sum(max(1, column.width) for column in columns.values()))))
    parts = _parts(columns, count, rows, told)
    with open_atomic(out) as file:
        (_write_parquet if out.suffix.lower() == ".parquet" else _write_csv)(file, columns, parts, facts)


def _parts(columns: Columns, count: int, rows: int, told: Callable[[int], None]) -> Iterator[dict[str, Any]]:
    for start in range(0, count, rows):
        stop = min(start + rows, count)
        yield {name: column.read(start, stop) for name, column in columns.items()}
        told(stop - start)


def _write_parquet(file: BinaryIO, columns: Columns, parts: Iterator[dict[str, Any]], facts: Mapping[str, str]) -> None:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    writer: Any = None
    for part in parts:
        arrays = {name: _arrow(columns[name], values) for name, values in part.items()}
        table = pa.table(arrays).replace_schema_metadata({f"latentclust.{key}": value for key, value in facts.items()})
        if writer is None:
            writer = ParquetWriter(file, table.schema)
        writer.write_table(table)
    writer.close()


def _arrow(column: Column, values: Any) -> Any:
    import pyarrow as pa

    if column.width:
        return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(values).ravel()), column.width)
    if isinstance(values, np.ma.MaskedArray):
        return pa.array(values.data, mask=np.ma.getmaskarray(values))
    return pa.array(values)


def _write_csv(file: BinaryIO, columns: Columns, parts: Iterator[dict[str, Any]], _: Mapping[str, str]) -> None:
    for number, part in enumerate(parts):
        flat: dict[str, Any] = {}
        for name, values in part.items():
            flat |= _flat(columns[name], name, values)
        text = pd.DataFrame(flat).to_csv(index=False, header=number == 0, float_format="%.7g")
        file.write(text.encode("utf-8"))


def _flat(column: Column, name: str, values: Any) -> dict[str, Any]:
    """Return the columns of a CSV file: one for each value of a row."""
    if column.width:
        return {f"{column.single}_{at + 1}": values[:, at] for at in range(column.width)}
    if isinstance(values, np.ma.MaskedArray):
        return {name: pd.array(_with_missing(values), dtype="Int64")}
    return {name: values}


def _with_missing(values: "np.ma.MaskedArray[Any, np.dtype[np.int64]]") -> list[int | None]:
    found: NDArray[np.bool_] = np.ma.getmaskarray(values)
    return [None if missing else int(value) for value, missing in zip(values.data, found, strict=True)]
