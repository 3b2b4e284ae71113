"""Final output of `latentclust run`: scores, files and suggested commands."""

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

from latentclust.cards import Cells, Note, rich_part
from latentclust.cli.terminal import display_path, print_heading, print_lines, shell_command, stdout_console
from latentclust.plugins.registry import installed
from latentclust.plugins.source_modules import PluginText
from latentclust.report.assignments import ASSIGNMENTS
from latentclust.report.comparison import agreement_table, compare_table
from latentclust.report.console import plain_table, print_results
from latentclust.report.display_names import display_name, label_free_name, recipe_title
from latentclust.report.document import REPORT
from latentclust.report.facts import OWN
from latentclust.report.page.page import REPORT_PAGE
from latentclust.report.result_text import TRIAL, format_label_free, label_free_names
from latentclust.report.results import RESULTS, SUMMARY, SeedSummary
from latentclust.runs.run import FinishedRun
from latentclust.runs.run_folder import FIGURES, LABEL_MAP, MODEL

SEEDS = "5"
"""Suggested number of seeds, enough to show the spread between runs."""

CONTENTS = {
    REPORT_PAGE: "the report, to open in a browser",
    REPORT: f"the same as text, with {FIGURES}/*.png",
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
        console.print(rich_part(Note("The clusters collapsed:", "the run uses at most half of them.")))
    print_heading(console, "Files")
    print_lines(console, [f"{display_path(finished.folder)}/"])
    written = {name: what for name, what in CONTENTS.items() if (finished.folder / name).exists()}
    print_lines(console, [f"  {name:{max(map(len, CONTENTS))}}  {what}" for name, what in written.items()])
    if REPORT_PAGE not in written:
        console.print(rich_part(Note("Warning:", f"{REPORT_PAGE} was not written; {REPORT} says why.")))
    _show_next(_after_run(finished, recipe, settings))


def show_seeds(folder: Path, summary: SeedSummary, runs: Sequence[FinishedRun]) -> None:
    """Print scores, files and suggestions of several seeds of one recipe."""
    console = stdout_console()
    console.print(_seed_table(summary, runs))
    console.print(compare_table([summary]))
    if (pairs := agreement_table([summary])) is not None:
        console.print(pairs)
    if summary.trial:
        console.print(rich_part(Note(TRIAL, "")))
    console.print(f"Collapsed runs: {len(summary.collapsed)} of {len(runs)}")
    for finished in runs:
        for sentence in finished.result.alarms:
            console.print(rich_part(Note(f"Alarm, seed {finished.result.seed}:", sentence)))
    print_heading(console, "Files")
    written = [name for name in (REPORT_PAGE, SUMMARY) if (folder / name).is_file()]
    names = [*written, *(f"{finished.folder.name}/" for finished in runs)]
    print_lines(console, [f"{display_path(folder)}/", *(f"  {name}" for name in names)])
    if REPORT_PAGE not in written:
        why = shell_command("compare", display_path(folder), "--html", "FILE")
        console.print(rich_part(Note("Warning:", f"{REPORT_PAGE} was not written; {why} says why.")))
    _show_next(
        [_use(runs[0], display_path(runs[0].folder)), shell_command("compare", display_path(folder), "OTHER_RUN")]
    )


def _seed_table(summary: SeedSummary, runs: Sequence[FinishedRun]) -> Cells:
    """Return one row per seed, with its scores, or without ground truth its scores without labels."""
    names = list(summary.mean) or label_free_names([summary.label_free.get(OWN, {})])
    titles = map(display_name if summary.mean else label_free_name, names)
    rows = [["seed", *titles, "empty clusters", "near-empty", ""]]
    for finished in runs:
        result = finished.result
        scores = result.metrics if summary.mean else result.label_free.get(OWN, {})
        counts = (str(len(clusters)) for clusters in (result.empty_clusters, result.near_empty_clusters))
        shown = [format_label_free(name, scores.get(name)) for name in names]
        rows.append([str(result.seed), *shown, *counts, "collapsed" * result.collapsed])
    return plain_table(recipe_title(summary.recipe, summary.trial), rows)


def _options(name: str, values: Iterable[str]) -> list[str]:
    """Return an option with each of its values, as words."""
    return [word for value in values for word in (name, value)]


def _plugins() -> list[str]:
    """Return the option of each plugin that the command was given, which later commands need too."""
    origins = [one.origin for one in installed().given]
    names = [display_path(Path(one.path)) if isinstance(one, PluginText) else str(one) for one in origins]
    return _options("--plugin", names)


def _after_run(finished: FinishedRun, recipe: str, settings: Sequence[str]) -> list[str]:
    """Return two or three commands with the paths of this run."""
    chosen = [*_options("--set", settings), *_plugins()]
    folder = display_path(finished.folder)
    tables = tomllib.loads(finished.facts.recipe_text)
    suggestions = [_use(finished, folder)]
    if tables["train"].get("devices", 1) == 1:  # data-parallel training takes one seed at a time
        suggestions.insert(0, shell_command("run", recipe, *chosen, "--seeds", SEEDS))
    if "generator" in tables.get("networks", {}):
        suggestions.append(shell_command("sample", folder, "--out", "modes.png", *_plugins()))
    else:
        suggestions.append(shell_command("compare", folder, "OTHER_RUN"))
    return suggestions


def _use(finished: FinishedRun, folder: str) -> str:
    """Return the command that applies the model to new images or scenes."""
    if finished.facts.protocol.unit == "pixels":
        return shell_command("label", folder, "SCENES", "--out", "labels", *_plugins())
    return shell_command("predict", folder, "IMAGES", "--out", "clusters.csv", *_plugins())


def _show_next(suggestions: list[str]) -> None:
    console = stdout_console()
    print_heading(console, "Try next")
    print_lines(console, suggestions)
