"""A table of few labels: a row for each image, with its path and its class."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from latentclust.data.sources import decode_errors
from latentclust.data.table_text import TABLE_ENCODING, find_separator
from latentclust.errors import LatentclustError, first_problem
from latentclust.few_labels.class_texts import CLASS_FIELDS, check_classes, find_field, plain_class
from latentclust.infer.image_inputs import ARRAYS

TABLES = (".csv", ".tsv", ".txt")
"""Suffixes of tables of labels. Other files are vector files."""

PATH_FIELDS = ("path", "file", "filename", "image")
"""Names of the column with the paths, if none is given."""

INDEX = "index"
"""Name of the column with the row of a sample in an array file, as `latentclust predict` writes it."""

SHOWN = 3
"""Maximum number of missing files that are named."""

LONGEST = 60
"""Maximum number of characters of a path that messages show."""


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A labelled image.

    Attributes:
        line: Line of the table, counted from 1.
        path: Image, or array file of samples.
        index: Row in an array file, counted from 0; 0 for an image.
        name: Class.
    """

    line: int
    path: Path
    index: int
    name: str


@dataclass(frozen=True, slots=True)
class LabelTable:
    """The labels of a table.

    Attributes:
        path: Path of the table.
        rows: Labelled images, each once.
        repeated: Number of rows that repeat another one, and do not count.
    """

    path: Path
    rows: tuple[LabelRow, ...]
    repeated: int


def read_label_table(
    path: Path, class_field: str | None = None, path_field: str | None = None, folders: Sequence[Path] = ()
) -> LabelTable:
    """Read a table with the paths and the classes of images. The separator is `;`, tab, `|` or `,`.

    Args:
        path: Path of the table, in UTF-8, with names of its columns in the first row.
        class_field: Column with the classes. None for the one of `CLASS_FIELDS`.
        path_field: Column with the paths. None for the one of `PATH_FIELDS`. Relative paths are looked for in the
            folder of the table, and then in `folders`.
        folders: Further folders.

    Raises:
        LatentclustError: If the table is missing or damaged, lacks a column, has no or invalid classes, names files
            that do not exist, or gives an image two classes.
    """
    if not path.is_file():
        raise LatentclustError.at(str(path), "does not exist", "Check the path")
    lines = _cells(path)
    _, header = lines[0]
    _check_header(path, header)
    class_at = header.index(find_field(class_field, CLASS_FIELDS, header, "--field", path))
    path_at = header.index(find_field(path_field, PATH_FIELDS, header, "--path-field", path))
    index_at = header.index(INDEX) if INDEX in header else None
    classes = [plain_class(cells[class_at]) for _, cells in lines[1:]]
    check_classes(
        ((f"line {line}", name) for (line, _), name in zip(lines[1:], classes, strict=True)), path, header[class_at]
    )
    found = _located(path, [(line, cells[path_at]) for line, cells in lines[1:]], folders)
    rows = [
        LabelRow(line, place, _index(path, line, place, cells, index_at), name)
        for (line, cells), place, name in zip(lines[1:], found, classes, strict=True)
    ]
    once = _without_repeats(path, rows)
    return LabelTable(path, once, len(rows) - len(once))


def _check_header(path: Path, header: Sequence[str]) -> None:
    """Raise LatentclustError if several columns have the same name."""
    twice = next((name for at, name in enumerate(header) if name and name in header[:at]), None)
    if twice is not None:
        raise LatentclustError.at(str(path), f"has several columns {twice!r}", "Give each column a name of its own")


def check_folders(folders: Iterable[str | Path]) -> None:
    """Raise LatentclustError if a folder of images is none."""
    for folder in folders:
        if not Path(folder).expanduser().is_dir():
            raise LatentclustError.at("--images", f"{folder} is not a folder", "Name the folder of the images")


def _cells(path: Path) -> list[tuple[int, list[str]]]:
    """Return the number and the cells of each line that is not empty. Raise LatentclustError if lengths differ."""
    found: list[tuple[int, list[str]]] = []
    with decode_errors(path, "Write a table in UTF-8 with the columns path and class"):
        separator = find_separator(path)
        with path.open(newline="", encoding=TABLE_ENCODING) as file:
            reader = csv.reader(file, delimiter=separator)
            for cells in filter(None, reader):
                if found and len(cells) != len(found[0][1]):
                    what = f"{len(cells)} cells, but the first row has {len(found[0][1])}"
                    fix = "Write the same columns in all rows, and quote cells with the separator"
                    raise LatentclustError.at(f"{path}, line {reader.line_num}", what, fix)
                found.append((reader.line_num, [cell.strip() for cell in cells]))
    if not found:
        raise LatentclustError.at(str(path), "is empty", "Write a table with the columns path and class")
    return found


def _located(table: Path, paths: Sequence[tuple[int, str]], folders: Sequence[Path]) -> list[Path]:
    """Return the file of each path. Raise LatentclustError if any does not exist."""
    bases = [table.parent, *(folder.expanduser() for folder in folders)]
    empty = [line for line, text in paths if not text]
    if empty:
        raise LatentclustError.at(f"{table}, line {empty[0]}", "has no path", "Write the path of an image")
    found: list[Path] = []
    absent: list[str] = []
    for line, text in paths:
        try:
            candidates = [base / Path(text).expanduser() for base in bases]
            place = next((each for each in candidates if each.is_file()), None)
        except (OSError, RuntimeError, ValueError) as error:
            shown = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
            what = f"{shown!r} is no path of a file ({first_problem(error)})"
            raise LatentclustError.at(f"{table}, line {line}", what, "Write the path of an image") from error
        if place is None:
            absent.append(text)
        else:
            found.append(place)
    if absent:
        count = len(dict.fromkeys(absent))
        shown = ", ".join(list(dict.fromkeys(absent))[:SHOWN]) + (", …" if count > SHOWN else "")
        what = (
            f"names {count:,} file{'' if count == 1 else 's'} that {'does' if count == 1 else 'do'} not exist: {shown}"
        )
        fix = f"Write paths relative to {table.parent}, name their folder with --images, or write absolute paths"
        raise LatentclustError.at(str(table), what, fix)
    return found


def _index(table: Path, line: int, place: Path, cells: Sequence[str], index_at: int | None) -> int:
    """Return the row of a sample in its file. Raise LatentclustError if an array file needs one and has none."""
    if place.suffix.lower() not in ARRAYS:
        return 0
    text = "" if index_at is None else cells[index_at]
    if not (text.isascii() and text.isdigit()):
        what = f"{place.name} is an array of samples, and {text!r} is no row of it"
        raise LatentclustError.at(f"{table}, line {line}", what, f"Write the row, from 0, in the column {INDEX}")
    return int(text)


def _without_repeats(table: Path, rows: Sequence[LabelRow]) -> tuple[LabelRow, ...]:
    """Return each image once. Raise LatentclustError if one has two classes."""
    first: dict[tuple[Path, int], LabelRow] = {}
    for row in rows:
        before = first.setdefault((row.path.resolve(), row.index), row)
        if before.name != row.name:
            what = f"{row.path.name} has two classes: {before.name!r} in line {before.line} and {row.name!r}"
            raise LatentclustError.at(f"{table}, line {row.line}", what, "Write one row for each image")
    return tuple(first.values())
