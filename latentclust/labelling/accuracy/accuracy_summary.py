"""The summary of an accuracy assessment: sentences and tables."""

from typing import Any

import numpy as np

from latentclust.cards import Cells
from latentclust.labelling.accuracy.accuracy_result import CLASSES, COUNTS, PROPORTIONS, SAMPLES, MapAccuracy
from latentclust.labelling.measure.area_units import area_unit, percent
from latentclust.report.markdown import markdown_table

Rows = list[list[str]]


def accuracy_sentences(found: MapAccuracy) -> list[str]:
    """Return what was compared, the overall accuracy, and what limits the estimates."""
    estimates = found.found
    overall = with_interval(float(estimates.overall.values[0]), float(estimates.overall.half_widths[0]))
    lines = [
        f"{int(estimates.counts.sum()):,} samples are compared with the map; {_left_out(found)}.",
        f"Overall accuracy: {overall}. Intervals are 95% confidence intervals.",
        "The estimates hold for samples that are random in each class of the map, or in the whole map.",
    ]
    if found.polygons:
        lines.append("Each polygon is one sample: it has the class that covers most of it on the map.")
    if found.matched:
        lines.append(
            "Clusters got their classes from these same samples (--match), so the accuracies are too high: name the "
            "clusters, or match them with other samples, for estimates without this bias."
        )
    return [*lines, *found.naming, *_warnings(found)]


def _left_out(found: MapAccuracy) -> str:
    left = found.left_out
    parts = (
        (left.nodata, "where the map has no data"),
        (left.outside, "outside the map"),
        (left.unclassed, "without a class"),
        (left.other, "neither points nor polygons"),
    )
    return "left out: " + (", ".join(f"{count:,} {what}" for count, what in parts if count) or "none")


def _warnings(found: MapAccuracy) -> list[str]:
    estimates, lines = found.found, []
    foreign = ~found.on_map
    if foreign.any():
        lines.append(f"Not classes of the map, so that their samples count as errors: {_named(found, foreign)}.")
    absent = found.on_map & (estimates.counts.sum(axis=0) == 0) & (estimates.counts.sum(axis=1) > 0)
    if absent.any():
        lines.append(f"No sample of the reference has these classes of the map: {_named(found, absent)}.")
    if estimates.unsampled.any():
        share = percent(found.unsampled_share)
        lines.append(
            f"Without samples: {_named(found, estimates.unsampled)} ({share} of the map). The estimates are for the "
            "rest of the map."
        )
    if estimates.single.any():
        lines.append(
            f"One sample alone: {_named(found, estimates.single)}. The variance within a class needs two, so the "
            "overall accuracy and the areas have no intervals."
        )
    certain = found.found.users.half_widths == 0
    if certain.any():
        what = f"All samples are right, or all are wrong, in these classes of the map: {_named(found, certain)}."
        lines.append(f"{what} An interval of ± 0 is too narrow.")
    return lines


def _named(found: MapAccuracy, which: np.ndarray) -> str:
    return ", ".join(found.names[at] for at in np.flatnonzero(which).tolist())


def accuracy_tables(found: MapAccuracy) -> list[Cells]:
    """Return the tables of the classes and of the error matrices."""
    return [Cells(*table) for table in (("Classes", *class_table(found)), *matrix_tables(found))]


def class_table(found: MapAccuracy) -> tuple[list[str], Rows]:
    """Return header and rows of the accuracies and areas of each class."""
    size, unit = area_unit(found.sizes.tolist() if found.known else [])
    unit, estimates = unit or "pixels", found.found
    scale = estimates.sampled / size
    header = ["class", "samples", "user's accuracy", "producer's accuracy", f"{unit} on the map", f"{unit} estimated"]
    rows = [
        [
            name,
            f"{int(estimates.counts[at].sum()):,}",
            with_interval(float(estimates.users.values[at]), float(estimates.users.half_widths[at])),
            with_interval(float(estimates.producers.values[at]), float(estimates.producers.half_widths[at])),
            f"{found.sizes[at] / size:,.2f}",
            _area(float(estimates.areas.values[at]) * scale, float(estimates.areas.half_widths[at]) * scale),
        ]
        for at, name in enumerate(found.names)
    ]
    return header, rows


def matrix_tables(found: MapAccuracy) -> list[tuple[str, list[str], Rows]]:
    """Return title, header and rows of the error matrix in counts and in proportions of area."""
    counts, proportions = found.found.counts.tolist(), found.found.proportions.tolist()
    header = ["map \\ reference", *found.names, "all"]
    shown = (
        ("Error matrix, samples", [[f"{cell:,}" for cell in row] for row in _with_sums(counts)]),
        (
            "Error matrix, estimated proportions of area",
            [[f"{cell:.4f}" for cell in row] for row in _with_sums(proportions)],
        ),
    )
    return [
        (title, header, [[name, *row] for name, row in zip((*found.names, "all"), rows, strict=True)])
        for title, rows in shown
    ]


def _with_sums(matrix: list[list[Any]]) -> list[list[Any]]:
    rows = [[*row, sum(row)] for row in matrix]
    return [*rows, [sum(column) for column in zip(*rows, strict=True)]]


def with_interval(value: float, half_width: float) -> str:
    """Return an accuracy with its interval in per cent; a dash if there is none."""
    if np.isnan(value):
        return "–"
    return percent(value) if np.isnan(half_width) else f"{percent(value)} ± {half_width:.1%}"


def _area(value: float, half_width: float) -> str:
    return f"{value:,.2f}" if np.isnan(half_width) else f"{value:,.2f} ± {half_width:,.2f}"


def accuracy_markdown(found: MapAccuracy) -> str:
    """Return the summary as Markdown."""
    header, rows = class_table(found)
    parts = [
        "# Accuracy",
        f"`{found.map}` against `{found.reference}`.",
        "\n".join(f"- {line}" for line in accuracy_sentences(found)),
        "## Classes",
        markdown_table(header, rows),
        "The user's accuracy is the share of the mapped area of a class that is right; the producer's accuracy is the "
        "share of its area on the ground that the map shows as this class. Estimated areas come from the reference.",
    ]
    for title, columns, cells in matrix_tables(found):
        parts += [f"## {title}", markdown_table(columns, cells)]
    parts.append(
        f"The same numbers are in `{CLASSES}`, `{COUNTS}` and `{PROPORTIONS}`; `{SAMPLES}` has each sample. "
        "Estimators: Olofsson et al. 2014, Remote Sensing of Environment 148, 42-57."
    )
    return "\n\n".join(parts) + "\n"
