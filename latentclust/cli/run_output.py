"""Final output of `latentclust run`: scores, files and suggested commands."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from latentclust.cli.terminal import display_path, print_heading, print_lines, shell_command, stdout_console
from latentclust.report.comparison import compare_table
from latentclust.report.console import print_results
from latentclust.report.display_names import display_name, format_score, recipe_title
from latentclust.report.document import REPORT
from latentclust.report.result_text import TRIAL
from latentclust.report.results import RESULTS, SUMMARY, SeedSummary
from latentclust.runs.run import FinishedRun
from latentclust.runs.run_folder import ASSIGNMENTS, FIGURES, LABEL_MAP, MODEL

SEEDS = "5"
"""Suggested number of seeds, enough to show the spread between runs."""

CONTENTS = {
    REPORT: f"the report, with {FIGURES}/*.png",
    RESULTS: "the same numbers",
    ASSIGNMENTS: "index, cluster (from 1), confidence",
    LABEL_MAP: "clusters of a scene (from 1; 0 is nodata)",
    MODEL: "the model",
}


def show_run(finished: FinishedRun, recipe: str, settings: Sequence[str]) -> None:
    """Print scores, files and suggestions of one run."""
    console = stdout_console()
    print_results(console, finished.facts)
    if finished.result.collapsed:
        console.print("[bold yellow]The clusters collapsed: the run uses at most half of them.[/] Try another seed.")
    print_heading(console, "Files")
    print_lines(console, [f"{display_path(finished.folder)}/"])
    written = {name: what for name, what in CONTENTS.items() if (finished.folder / name).exists()}
    print_lines(console, [f"  {name:{max(map(len, CONTENTS))}}  {what}" for name, what in written.items()])
    _show_next(_after_run(finished, recipe, settings))


def show_seeds(folder: Path, summary: SeedSummary, runs: Sequence[FinishedRun]) -> None:
    """Print scores, files and suggestions of several seeds of one recipe."""
    console = stdout_console()
    console.print(_seed_table(summary, runs))
    console.print(compare_table([summary]))
    if summary.trial:
        console.print(f"[bold yellow]{TRIAL}[/]")
    console.print(summary.protocol, style="dim", markup=False)
    console.print(f"Collapsed runs: {len(summary.collapsed)} of {len(runs)}")
    for finished in runs:
        for sentence in finished.result.alarms:
            console.print(f"[bold yellow]Alarm, seed {finished.result.seed}:[/] {escape(sentence)}")
    print_heading(console, "Files")
    print_lines(
        console, [f"{display_path(folder)}/", f"  {SUMMARY}", *(f"  {finished.folder.name}/" for finished in runs)]
    )
    _show_next(
        [_use(runs[0], display_path(runs[0].folder)), shell_command("compare", display_path(folder), "OTHER_RUN")]
    )


def _seed_table(summary: SeedSummary, runs: Sequence[FinishedRun]) -> Table:
    table = Table(title=recipe_title(summary.recipe, summary.trial))
    table.add_column("seed", justify="right")
    for name in summary.mean:
        table.add_column(display_name(name), justify="right")
    table.add_column("empty clusters", justify="right")
    table.add_column("near-empty", justify="right")
    table.add_column("")
    for finished in runs:
        lost = (finished.result.empty_clusters, finished.result.near_empty_clusters)
        scores = [finished.result.metrics.get(name) for name in summary.mean]
        shown_scores = ["–" if score is None else format_score(score) for score in scores]
        counts = (str(len(clusters)) for clusters in lost)
        table.add_row(str(finished.result.seed), *shown_scores, *counts, "collapsed" * finished.result.collapsed)
    return table


def _after_run(finished: FinishedRun, recipe: str, settings: Sequence[str]) -> list[str]:
    """Return two or three commands with the paths of this run."""
    chosen = [word for setting in settings for word in ("--set", setting)]
    folder = display_path(finished.folder)
    tables = tomllib.loads(finished.facts.recipe_text)
    suggestions = [_use(finished, folder)]
    if tables["train"].get("devices", 1) == 1:  # data-parallel training takes one seed at a time
        suggestions.insert(0, shell_command("run", recipe, *chosen, "--seeds", SEEDS))
    if "generator" in tables["networks"]:
        suggestions.append(shell_command("sample", folder, "--out", "modes.png"))
    else:
        suggestions.append(shell_command("compare", folder, "OTHER_RUN"))
    return suggestions


def _use(finished: FinishedRun, folder: str) -> str:
    """Return the command that applies the model to new images or scenes."""
    if finished.facts.protocol.unit == "pixels":
        return shell_command("label", folder, "SCENES", "--out", "labels")
    return shell_command("predict", folder, "IMAGES", "--out", "clusters.csv")


def _show_next(suggestions: list[str]) -> None:
    console = stdout_console()
    print_heading(console, "Try next")
    print_lines(console, suggestions)
