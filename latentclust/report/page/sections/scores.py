"""The section of the scores: against classes and baselines, or without labels, and by other inference methods."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from latentclust.report.facts import RunFacts
from latentclust.report.page.section import Section
from latentclust.report.result_text import chain_sentence, label_free_rows, label_free_sentence
from latentclust.report.results import NO_LABELS
from latentclust.report.run_text import metric_meanings, oracle_sentence, readout_rows, readout_sentence, score_rows


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """A table of scores.

    Attributes:
        caption: Caption of the table.
        header: Headings of the columns.
        rows: Cells as text. The first of a row names it.
        best: Columns of the highest value, for each row. Empty if no value is marked.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    best: Sequence[frozenset[int]] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Scores(Section):
    """Scores of a run.

    Attributes:
        tables: Tables of scores, the main one first.
        sentences: What is to be known about the scores, such as that there are no labels.
        terms: Meaning of each metric by its display name.
    """

    key: str = "scores"
    title: str = "Scores"
    template: ClassVar[str] = "scores.html"
    tables: Sequence[ScoreTable]
    sentences: Sequence[str]
    terms: Sequence[tuple[str, str]]


def scores_section(facts: RunFacts) -> Scores:
    """Return the section of a run's scores."""
    tables = []
    if facts.metrics is not None:
        header, *rows = score_rows(facts)
        tables.append(
            ScoreTable("Scores of the run and its baselines; the best of a row is bold", header, rows, _best(facts))
        )
    if facts.label_free is not None:
        header, *rows = label_free_rows(facts)
        tables.append(ScoreTable("Scores without labels", header, rows))
    if facts.readouts:
        header, *rows = readout_rows(facts)
        tables.append(ScoreTable(readout_sentence(facts), header, rows))
    sentences = [
        *([NO_LABELS] if facts.metrics is None else []),
        *([label_free_sentence(facts)] if facts.label_free is not None else []),
        oracle_sentence(facts),
        chain_sentence(facts) or "",
    ]
    return Scores(
        tables=tables, sentences=[text for text in sentences if text], terms=list(metric_meanings(facts).items())
    )


def _best(facts: RunFacts) -> list[frozenset[int]]:
    """Return the columns of the highest value of each metric, counted from 1 after the name of the row."""
    columns = []
    for name, value in (facts.metrics or {}).items():
        values = {1: value}
        for column, scores in enumerate((facts.baselines or {}).values(), start=2):
            values |= {column: scores[name]} if name in scores else {}
        highest = max(values.values())
        columns.append(frozenset(column for column, found in values.items() if found == highest))
    return columns
