"""The section of the contingency table: counts by cluster and class as a heat map."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from latentclust.evaluate.match import UNMATCHED
from latentclust.report.display_names import class_names
from latentclust.report.facts import RunFacts
from latentclust.report.page.section import Section

MOST = 100
"""Maximum number of rows and of columns of the table. A larger one has the largest clusters and classes."""

HEATS = 10
"""Number of shades, evenly spaced over the share of the cluster."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the table.

    Attributes:
        count: Number of samples.
        heat: Shade, from 0 to `HEATS`.
        share: Share of the cluster as text, such as `97%`.
        matched: Whether the cluster is matched with the class.
    """

    count: int
    heat: int
    share: str
    matched: bool


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Contingency(Section):
    """Counts by cluster and class.

    Attributes:
        caption: Caption of the table.
        note: How the table is read, and which rows and columns are left out.
        classes: Names of the columns.
        rows: Title and cells of each cluster, in the order of the matched classes.
    """

    key: str = "contingency"
    title: str = "Contingency"
    template: ClassVar[str] = "contingency.html"
    style: ClassVar[str] = "contingency.css"
    caption: str
    note: str
    classes: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]


def contingency_section(facts: RunFacts, titles: Sequence[str]) -> Contingency | None:
    """Return the contingency table of a run. None without ground truth.

    Args:
        facts: Facts of the run.
        titles: Display names of the clusters.
    """
    if facts.table is None or facts.matching is None:
        return None
    table = facts.table
    columns = _largest(table.sum(axis=0))
    order = np.where(facts.matching == UNMATCHED, table.shape[1], facts.matching)
    rows = _largest(table.sum(axis=1))
    rows = rows[np.argsort(order[rows], kind="stable")]
    names = class_names(facts.classes, table.shape[1])
    unit = facts.protocol.unit
    left_out = [
        f"the {len(kept)} largest of {count} {what}"
        for kept, count, what in ((rows, len(table), "clusters"), (columns, table.shape[1], "classes"))
        if len(kept) < count
    ]
    missing = f" The table has {' and '.join(left_out)}." if left_out else ""
    return Contingency(
        caption=f"{unit.capitalize()} of each class in each cluster",
        note="Shades are shares of the cluster; outlined cells are matched one to one. Clusters are in the order of "
        f"their matched classes.{missing}",
        classes=[names[column] for column in columns],
        rows=[(titles[row], _cells(table[row], columns, int(facts.matching[row]))) for row in rows],
    )


def _largest(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.sort(np.argsort(-sizes, kind="stable")[:MOST])


def _cells(counts: NDArray[np.int64], columns: NDArray[np.int64], matched: int) -> list[Cell]:
    total = max(int(counts.sum()), 1)
    return [
        Cell(
            int(counts[column]),
            # A count that is not zero always has a shade.
            int(np.ceil(HEATS * counts[column] / total)),
            f"{counts[column] / total:.0%}",
            int(column) == matched,
        )
        for column in columns
    ]
