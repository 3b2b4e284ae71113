"""The summary of a change: sentences, and a table from each class to each class."""

from latentclust.cards import Cells
from latentclust.labelling.change.change_result import CLASSES, RASTER, TABLE, Change
from latentclust.labelling.change.transitions import TransitionMatrix
from latentclust.labelling.measure.area_units import area_unit, percent
from latentclust.report.markdown import markdown_table

MAX_COLUMNS = 12
"""Maximum number of classes of which every transition is in the table."""

MAX_ROWS = 20
"""Maximum number of changes in the table of the largest ones."""


def change_sentences(found: Change) -> list[str]:
    """Return what was compared, the share that changed, and warnings."""
    pixels = int(found.clusters.pixels.sum())
    size, unit = area_unit([float(found.clusters.areas.sum())] if found.clusters.known else [])
    area = f"{pixels:,} pixels" + (f", {found.clusters.areas.sum() / size:,.2f} {unit}," if unit else "")
    classes = f", {percent(found.classes.changed_share)} to a cluster of another class" if found.has_classes else ""
    return [
        f"{area} are labelled at both dates; {percent(found.clusters.changed_share)} changed cluster{classes}.",
        f"Left out: {found.lost:,} pixels are labelled at the earlier date alone, {found.gained:,} at the later one.",
        found.alignment,
        *(f"Warning: {text}" for text in found.warnings),
    ]


def change_table(found: Change) -> tuple[str, list[str], list[list[str]]]:
    """Return the title, the header and the rows of a table.

    It is the matrix of all transitions between classes, with sums, or the largest changes if there are many classes.
    """
    matrix = found.classes if found.has_classes else found.clusters
    size, unit = area_unit([float(matrix.areas.sum())] if matrix.known else [])
    noun = "classes" if found.has_classes else "clusters"
    if len(matrix.names) > MAX_COLUMNS:
        return _largest_changes(matrix, size, unit)
    shown = [[_amount(value, size, unit) for value in row] for row in _with_sums(matrix)]
    names = [*matrix.names, "all"]
    header = [f"{unit or 'pixels'}, from \\ to", *names]
    return (
        f"from {noun} of the earlier date to {noun} of the later one",
        header,
        [[name, *row] for name, row in zip(names, shown, strict=True)],
    )


def change_cells(found: Change) -> Cells:
    """Return the table of `change_table`."""
    return Cells(*change_table(found))


def _largest_changes(matrix: TransitionMatrix, size: float, unit: str | None) -> tuple[str, list[str], list[list[str]]]:
    changes = [each for each in matrix.transitions() if each.changed]
    changes.sort(key=lambda each: -each.share)
    rows = [
        [
            f"{each.before_name} to {each.after_name}",
            _amount(each.pixels if each.area_m2 is None else each.area_m2, size, unit),
            percent(each.share),
            percent(each.share_of_before),
        ]
        for each in changes[:MAX_ROWS]
    ]
    title = f"the largest {len(rows)} of {len(changes)} changes"
    return title, ["change", unit or "pixels", "of all", "of the earlier"], rows


def _with_sums(matrix: TransitionMatrix) -> list[list[float]]:
    """Return the areas, or pixels if areas are unknown, with the sums of rows and columns."""
    rows: list[list[float]] = [[*row, sum(row)] for row in matrix.weights.tolist()]
    return [*rows, [sum(column) for column in zip(*rows, strict=True)]]


def _amount(value: float, size: float, unit: str | None) -> str:
    return f"{value / size:,.2f}" if unit else f"{value:,.0f}"


def change_markdown(found: Change) -> str:
    """Return the summary as Markdown."""
    title, header, rows = change_table(found)
    tables = [f"`{TABLE}`", *([f"`{CLASSES}`"] if found.has_classes else [])]
    parts = [
        "# Change",
        f"From `{found.before}` to `{found.after}`.",
        " ".join(change_sentences(found)),
        f"## {title[0].upper()}{title[1:]}",
        markdown_table(header, rows),
        f"All transitions are in {' and '.join(tables)}. In `{RASTER}` the value of a pixel is "
        f"(earlier cluster - 1) × {len(found.clusters.names)} + later cluster, and 0 where either date has no data. "
        "Pixels with the same cluster at both dates are grey, others have the colour of the later cluster.",
    ]
    return "\n\n".join(parts) + "\n"
