"""The section of the classes of label maps: their pixels, matched clusters and intersection over union."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from latentclust.evaluate.clustering import class_scores
from latentclust.report.facts import RunFacts
from latentclust.report.page.section import Section
from latentclust.report.result_text import CLASS_COLUMNS, class_rows, pixel_sentence


@dataclass(frozen=True, slots=True)
class ClassRow:
    """The scores of a class.

    Attributes:
        cells: The scores as text, in the order of `CLASS_COLUMNS`.
        iou: Intersection over union in [0, 1]. None for a class without pixels.
    """

    cells: Sequence[str]
    iou: float | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScores(Section):
    """Scores of the classes of a run on label maps.

    Attributes:
        sentence: How many pixels were scored.
        columns: Headings.
        rows: The classes, the best first.
    """

    key: str = "classes"
    title: str = "Classes"
    template: ClassVar[str] = "class_scores.html"
    style: ClassVar[str] = "class-scores.css"
    sentence: str
    columns: Sequence[str] = CLASS_COLUMNS
    rows: Sequence[ClassRow]


def class_scores_section(facts: RunFacts) -> ClassScores | None:
    """Return the scores of each class of a run. None without ground truth."""
    if facts.table is None or facts.matching is None:
        return None
    iou = class_scores(facts.table, facts.matching).iou
    rows = [
        ClassRow(cells, None if np.isnan(value) else float(value))
        for cells, value in zip(class_rows(facts), iou, strict=True)
    ]
    # Classes without pixels are last.
    rows.sort(key=lambda row: -1.0 if row.iou is None else row.iou, reverse=True)
    return ClassScores(sentence=pixel_sentence(facts), rows=rows)
