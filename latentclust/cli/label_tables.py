"""Tables of a labelling run on the terminal: the area of every cluster, and the clusters of every zone."""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from latentclust.labelling.label_report import LabelReport
from latentclust.labelling.measure.area_table import ValueArea
from latentclust.labelling.measure.area_units import area_unit, percent
from latentclust.labelling.measure.zone_table import ZoneRow, read_zone_table, zone_table_path

MAX_ROWS = 20
"""Maximum number of clusters or zones that are shown."""

LARGEST = 3
"""Number of clusters that are shown for a zone."""


def show_areas(console: Console, report: LabelReport) -> None:
    """Print the areas of the clusters, and those in zones: of the mosaic if there is one, or else of the scenes.

    Only the first scene with zones is shown.
    """
    areas = report.areas()
    if any(area.pixels for area in areas):
        console.print(area_table(areas))
    tables = [
        str(table)
        for scene in report.counted
        if str(table := zone_table_path(Path(scene.output))) in (scene.files or {})
    ]
    if tables:
        console.print(zone_table(report.folder / tables[0], tables[0]))
        others = len(tables) - 1
        more = f", and the tables of {others:,} other scene{'s' if others > 1 else ''}" if others else ""
        console.print(f"zones in {tables[0]}{more}", soft_wrap=True)


def area_table(areas: Sequence[ValueArea]) -> Table:
    """Return a table of the clusters by number, of which the largest `MAX_ROWS` are shown."""
    shown = sorted(sorted(areas, key=lambda area: -area.pixels)[:MAX_ROWS], key=lambda area: area.value)
    left_out = f" (the largest {MAX_ROWS} of {len(areas)})" if len(areas) > MAX_ROWS else ""
    size, unit = area_unit(area.area_m2 for area in areas)
    table = Table(title=f"areas{left_out}")
    for heading in ("cluster", "name", "pixels" if unit is None else unit, "share"):
        table.add_column(heading, justify="left" if heading == "name" else "right")
    for area in shown:
        measured = f"{area.pixels:,}" if area.area_m2 is None else f"{area.area_m2 / size:,.2f}"
        table.add_row(str(area.value), area.name, measured, percent(area.share))
    return table


def zone_table(path: Path, title: str) -> Table:
    """Return a table of the first `MAX_ROWS` zones of a file, with the largest clusters of each."""
    zones = (list(rows) for _, rows in groupby(read_zone_table(path), lambda row: row.zone))
    groups = list(islice(zones, MAX_ROWS + 1))
    left_out = f" (the first {MAX_ROWS} zones)" if len(groups) > MAX_ROWS else ""
    groups = groups[:MAX_ROWS]
    size, unit = area_unit(_labelled_area(rows) for rows in groups)
    table = Table(title=f"{title}{left_out}")
    for heading in ("zone", *(("labelled",) if unit is None else (unit, "labelled"))):
        table.add_column(heading, justify="left" if heading == "zone" else "right")
    table.add_column("largest clusters")
    for rows in groups:
        area = _labelled_area(rows)
        measured = () if area is None else (f"{area / size:,.2f}",)
        table.add_row(rows[0].zone, *measured, percent(rows[0].labelled), _largest(rows))
    return table


def _labelled_area(rows: Iterable[ZoneRow]) -> float | None:
    area = math.fsum(row.area for row in rows)
    return None if math.isnan(area) else area


def _largest(rows: Sequence[ZoneRow]) -> str:
    """Return the largest clusters of a zone with their shares."""
    present = sorted((row for row in rows if row.share > 0), key=lambda row: -row.share)
    return ", ".join(f"{row.name} {percent(row.share)}" for row in present[:LARGEST]) or "–"
