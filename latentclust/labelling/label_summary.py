"""The summary of a labelling run: sentences, and tables of areas and zones."""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby, islice
from pathlib import Path

from latentclust.cards import Card, Cells, Note, Part
from latentclust.errors import LatentclustError
from latentclust.labelling.label_report import LabelReport, SceneResult, Seams
from latentclust.labelling.measure.area_table import ValueArea
from latentclust.labelling.measure.area_units import area_unit, percent
from latentclust.labelling.measure.zone_table import ZoneRow, read_zone_table, zone_table_path

MAX_ROWS = 20
"""Maximum number of clusters or zones that are shown."""

LARGEST = 3
"""Number of clusters that are shown for a zone."""


def label_card(report: LabelReport) -> Card:
    """Return what was labelled, the areas of the clusters, and the clusters of zones."""
    failures = [Note("Failed:", f"{scene.input}: {scene.reason}") for scene in report.failures[:MAX_ROWS]]
    sentences = [*result_sentences(report), *warning_sentences(report), f"labels in {report.folder}"]
    return Card(f"Labels of {report.headline}", [*sentences, *failures, *area_parts(report)])


def result_sentences(report: LabelReport) -> list[str]:
    """Return the counts of scenes and pixels."""
    fresh = sum(scene.status == "done" for scene in report.scenes if scene.output not in report.kept)
    lines = [f"labelled {fresh:,} of {len(report.scenes):,} scenes{other_counts(report)}"]
    if fresh:
        speed = report.pixels / 1e6 / max(report.seconds, 1e-9)
        lines.append(f"{report.pixels:,} pixels in {report.seconds:.1f} s, {speed:.2f} megapixels/s")
    if report.sieved:
        lines.append(f"the sieve changed {report.sieved:,} labels ({report.sieved / report.pixels:.1%} of the pixels)")
    if report.mosaic and report.mosaic.seams:
        lines.append(_mosaic_line(report.mosaic, report.mosaic.seams))
    return [*lines, *report.naming]


def other_counts(report: LabelReport) -> str:
    """Return the counts of scenes that this run did not label."""
    outside = sum(scene.status == "outside" for scene in report.scenes)
    counts = ((len(report.kept), "already done"), (outside, "outside the area"), (len(report.failed), "failed"))
    return "".join(f", {count:,} {what}" for count, what in counts if count)


def warning_sentences(report: LabelReport) -> list[str]:
    """Return the warnings about the scenes, the mosaic and the folder."""
    results = (*report.scenes, *((report.mosaic,) if report.mosaic else ()))
    return [*(f"{scene.output}: {warning}" for scene in results for warning in scene.warnings), *report.warnings]


def area_parts(report: LabelReport) -> list[Part]:
    """Return the areas of the clusters, and those in zones: of the mosaic if there is one, or else of the scenes.

    Only the first scene with zones is shown.
    """
    areas = report.areas()
    parts: list[Part] = [area_table(areas)] if any(area.pixels for area in areas) else []
    tables = [
        str(table)
        for scene in report.counted
        if str(table := zone_table_path(Path(scene.output))) in (scene.files or {})
    ]
    if tables:
        try:
            parts.append(zone_table(report.folder / tables[0], tables[0]))
        except LatentclustError as error:  # Somebody may have edited it.
            parts.append(f"{tables[0]} is not shown: {error.issues[0].what}")
        others = len(tables) - 1
        more = f", and the tables of {others:,} other scene{'s' if others > 1 else ''}" if others else ""
        parts.append(f"zones in {tables[0]}{more}")
    return parts


def area_table(areas: Sequence[ValueArea]) -> Cells:
    """Return a table of the clusters by number, of which the largest `MAX_ROWS` are shown."""
    shown = sorted(sorted(areas, key=lambda area: -area.pixels)[:MAX_ROWS], key=lambda area: area.value)
    left_out = f" (the largest {MAX_ROWS} of {len(areas)})" if len(areas) > MAX_ROWS else ""
    size, unit = area_unit(area.area_m2 for area in areas)
    rows = []
    for area in shown:
        measured = f"{area.pixels:,}" if area.area_m2 is None else f"{area.area_m2 / size:,.2f}"
        rows.append([str(area.value), area.name, measured, percent(area.share)])
    return Cells(f"areas{left_out}", ["cluster", "name", unit or "pixels", "share"], rows, frozenset({1}))


def zone_table(path: Path, title: str) -> Cells:
    """Return a table of the first `MAX_ROWS` zones of a file, with the largest clusters of each."""
    zones = (list(rows) for _, rows in groupby(read_zone_table(path), lambda row: row.zone))
    groups = list(islice(zones, MAX_ROWS + 1))
    left_out = f" (the first {MAX_ROWS} zones)" if len(groups) > MAX_ROWS else ""
    groups = groups[:MAX_ROWS]
    size, unit = area_unit(_labelled_area(rows) for rows in groups)
    header = ["zone", *([] if unit is None else [unit]), "labelled", "largest clusters"]
    table = []
    for rows in groups:
        area = _labelled_area(rows)
        measured = () if area is None else (f"{area / size:,.2f}",)
        table.append([rows[0].zone, *measured, percent(rows[0].labelled), _largest(rows)])
    return Cells(f"{title}{left_out}", header, table, frozenset({0, len(header) - 1}))


def _mosaic_line(mosaic: SceneResult, seams: Seams) -> str:
    """Return the size of a mosaic, and how often its scenes agree."""
    share = "do not overlap"
    if seams.overlap:
        share = f"agree on {seams.agreeing / seams.overlap:.1%} of the {seams.overlap:,} pixels where they overlap"
    return f"{mosaic.output}: {mosaic.pixels:,} pixels of {seams.scenes:,} scenes, which {share}"


def _labelled_area(rows: Iterable[ZoneRow]) -> float | None:
    area = math.fsum(row.area for row in rows)
    return None if math.isnan(area) else area


def _largest(rows: Sequence[ZoneRow]) -> str:
    """Return the largest clusters of a zone with their shares."""
    present = sorted((row for row in rows if row.share > 0), key=lambda row: -row.share)
    return ", ".join(f"{row.name} {percent(row.share)}" for row in present[:LARGEST]) or "–"
