"""Tables and sentences about a run for the terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Console

from latentclust.cards import Cells, Note, Part, rich_part
from latentclust.report.alarms import alarms
from latentclust.report.display_names import cluster_names, display_name, format_score, recipe_title
from latentclust.report.facts import RunFacts
from latentclust.report.result_text import (
    CLASS_COLUMNS,
    TRIAL,
    baseline_verdicts,
    chain_sentence,
    class_rows,
    label_free_rows,
    label_free_sentence,
)


def print_results(console: Console, facts: RunFacts) -> None:
    """Print the table of scores, a sentence about each baseline, the alarms and the protocol."""
    for number, part in enumerate(result_parts(facts)):
        if number and isinstance(part, Cells):
            console.print()
        console.print(rich_part(part))


def run_headline(facts: RunFacts) -> str:
    """Return the recipe, the seed and the first score of a run."""
    first = next(iter((facts.metrics or {}).items()), None)
    score = f", {display_name(first[0])} {format_score(first[1])}" if first else ""
    return f"{recipe_title(facts.recipe, facts.trial)}, seed {facts.seed}{score}"


def result_parts(facts: RunFacts) -> list[Part]:
    """Return the table of scores, a sentence about each baseline, the alarms and the protocol."""
    parts: list[Part] = [results_table(facts), *([Note(TRIAL, "")] if facts.trial else [])]
    if facts.metrics is None:
        parts.append("The data have no labels, so no scores against classes were computed.")
    if facts.label_free is not None:
        parts += [plain_table("without labels", label_free_rows(facts)), label_free_sentence(facts)]
    parts += [*baseline_verdicts(facts), *_readouts(facts)]
    parts += [f"Pretrained weights: {origin}" for origin in facts.weights]
    parts += [Note("Alarm:", sentence) for sentence in alarms(facts)]
    return [*parts, *facts.naming, str(facts.protocol)]


def _readouts(facts: RunFacts) -> list[str]:
    """Return a sentence about each other inference and one about the chains."""
    sentences = [
        f"With inference {name}: {_scores_text(reading.metrics or {})}; agreement {reading.agreement:.1%}."
        for name, reading in facts.readouts.items()
    ]
    chains = chain_sentence(facts)
    return [*sentences, chains] if chains else sentences


def _scores_text(scores: Mapping[str, float]) -> str:
    return ", ".join(f"{display_name(name)} {format_score(value)}" for name, value in scores.items())


def results_table(facts: RunFacts) -> Cells:
    """Return a table with one row per metric and one column per baseline, or the cluster sizes without ground truth."""
    title = recipe_title(facts.recipe, facts.trial)
    if facts.metrics is None:
        return _occupancy_table(facts, title)
    baselines = facts.baselines or {}
    rows, bold = [], set()
    for number, (name, value) in enumerate(facts.metrics.items()):
        row = [value, *(scores.get(name) for scores in baselines.values())]
        best = max(known for known in row if known is not None)
        bold |= {(number, at) for at, known in enumerate(row, start=1) if known == best}
        rows.append([display_name(name), *("–" if known is None else format_score(known) for known in row)])
    return Cells(title, ["", facts.recipe, *map(display_name, baselines)], rows, bold=frozenset(bold))


def class_table(facts: RunFacts) -> Cells:
    """Return a table with one row per class of label maps: its pixels, its matched cluster and its scores."""
    return plain_table("classes", [["", *CLASS_COLUMNS[1:]], *class_rows(facts)])


def plain_table(title: str, cells: Sequence[Sequence[str]]) -> Cells:
    """Return a table whose first row is the header, with the first column aligned left, the others right."""
    return Cells(title, cells[0], cells[1:])


def _occupancy_table(facts: RunFacts, title: str) -> Cells:
    names = cluster_names(facts.clusters)
    rows = [
        [f"{names[number - 1]}{f': {facts.names[number]}' if number in facts.names else ''}", f"{count:,}"]
        for number, count in enumerate(facts.occupancy, start=1)
    ]
    return Cells(title, ["", facts.protocol.unit], rows)
