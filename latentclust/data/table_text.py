"""What all tables of text share: their encoding, and the separator of their cells, which is detected."""

import csv
from itertools import islice
from pathlib import Path

TABLE_ENCODING = "utf-8-sig"
"""Encoding of tables, with or without the mark that some programs write first."""

TABLE_SEPARATORS = (";", "\t", "|", ",")
"""Separators that are tried, in this order: a comma may also be the decimal sign of numbers between semicolons."""

LOOKED_AT = 20
"""Number of rows by which the separator is detected."""


def find_separator(path: Path) -> str:
    """Return the separator that divides the first rows of a table into the same number of cells, more than one.

    A comma if there is none. UnicodeDecodeError and csv.Error are raised for files that are no tables.
    """
    for separator in TABLE_SEPARATORS:
        with path.open(newline="", encoding=TABLE_ENCODING) as file:
            rows = islice(filter(None, csv.reader(file, delimiter=separator)), LOOKED_AT)
            lengths = {len(row) for row in rows}
        if len(lengths) == 1 and lengths != {1}:
            return separator
    return ","
