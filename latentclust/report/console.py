"""Tables and sentences about a run for the terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

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

ALARM = "bold yellow"
"""Style of what the user must see."""


def print_results(console: Console, facts: RunFacts) -> None:
    """Print the table of scores, a sentence about each baseline, the alarms and the protocol."""
    console.print(results_table(facts))
    if facts.trial:
        console.print(Text(TRIAL, ALARM))
    if facts.metrics is None:
        console.print("The data have no labels, so no scores against classes were computed.")
    if facts.label_free is not None:
        console.print(plain_table("without labels", label_free_rows(facts)))
        console.print(label_free_sentence(facts))
    for sentence in (*baseline_verdicts(facts), *_readouts(facts)):
        console.print(Text(sentence))
    for origin in facts.weights:
        console.print(Text(f"Pretrained weights: {origin}"))
    for sentence in alarms(facts):
        console.print(Text.assemble(("Alarm:", ALARM), f" {sentence}"))
    console.print(Text(str(facts.protocol)), style="dim")


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


def results_table(facts: RunFacts) -> Table:
    """Return a table with one row per metric and one column per baseline, or the cluster sizes without ground truth."""
    if facts.metrics is None:
        return _occupancy_table(facts)
    baselines = facts.baselines or {}
    table = Table(title=recipe_title(facts.recipe, facts.trial))
    table.add_column("")
    for heading in (facts.recipe, *map(display_name, baselines)):
        table.add_column(heading, justify="right")
    for name, value in facts.metrics.items():
        row = [value, *(scores.get(name) for scores in baselines.values())]
        table.add_row(display_name(name), *_best_in_bold(row))
    return table


def class_table(facts: RunFacts) -> Table:
    """Return a table with one row per class of label maps: its pixels, its matched cluster and its scores."""
    return plain_table("classes", [["", *CLASS_COLUMNS[1:]], *class_rows(facts)])


def plain_table(title: str, cells: Sequence[Sequence[str]]) -> Table:
    """Return a table of text whose first row is the header, with the first column aligned left, the others right."""
    table = Table(title=title)
    header, *rows = cells
    for number, heading in enumerate(header):
        table.add_column(Text(heading), justify="right" if number else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _best_in_bold(values: list[float | None]) -> list[Text]:
    best = max(value for value in values if value is not None)
    shown = ["–" if value is None else format_score(value) for value in values]
    return [Text(text, "bold" if value == best else "") for text, value in zip(shown, values, strict=True)]


def _occupancy_table(facts: RunFacts) -> Table:
    table = Table(title=recipe_title(facts.recipe, facts.trial))
    table.add_column("")
    table.add_column(facts.protocol.unit, justify="right")
    defaults = cluster_names(facts.clusters)
    for number, count in enumerate(facts.occupancy, start=1):
        name = f": {facts.names[number]}" if number in facts.names else ""
        table.add_row(Text(f"{defaults[number - 1]}{name}"), f"{count:,}")
    return table
