"""Runs side by side: grouped by recipe, its options and protocol, mean and standard deviation over their seeds."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.table import Table

from latentclust.errors import LatentclustError
from latentclust.report.display_names import display_name
from latentclust.report.document import markdown_table
from latentclust.report.results import RESULTS, SUMMARY, RunResult, SeedSummary, read_results, summarise

SEED_FOLDERS = "seed-*"


def compare_runs(folders: Iterable[Path]) -> list[SeedSummary]:
    """A summary for runs of equal recipe, options and protocol, in order of the first; a run named twice counts once.

    Args:
        folders: Runs, or folders of several seeds (`DIR/seed-N`).

    Raises:
        LatentclustError: A folder holds no finished run, or a broken one.
    """
    groups: dict[tuple[str, str, str], list[RunResult]] = {}
    for run in dict.fromkeys(path.resolve() for folder in folders for path in _runs(folder)):
        result = read_results(run)
        groups.setdefault((result.recipe, result.variant, result.protocol), []).append(result)
    return [summarise(runs) for runs in groups.values()]


def compare_table(summaries: Sequence[SeedSummary]) -> Table:
    """The comparison for the terminal."""
    table = Table(title="mean ± sample standard deviation over seeds")
    header, *rows = _cells(summaries)
    table.add_column(header[0])
    for heading in header[1:]:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def compare_markdown(summaries: Sequence[SeedSummary]) -> str:
    """The comparison as a Markdown table, the protocols below it."""
    header, *rows = _cells(summaries)
    protocols = [f"- {summary.recipe}: {summary.protocol}" for summary in summaries]
    return markdown_table(header, rows) + "\n\n" + "\n".join(protocols) + "\n"


def _runs(folder: Path) -> list[Path]:
    """The run folders that a folder stands for."""
    if (folder / RESULTS).is_file():
        return [folder]
    seeds = sorted(path.parent for path in folder.glob(f"{SEED_FOLDERS}/{RESULTS}"))
    if not seeds:
        fix = f"Name a run's folder (it holds {RESULTS}) or one of several seeds (it holds {SUMMARY})"
        raise LatentclustError.at(str(folder), "no finished run", fix)
    return seeds


def _cells(summaries: Sequence[SeedSummary]) -> list[list[str]]:
    """Header and rows: a row a recipe, and below it one for the mean of each of its baselines."""
    metrics = list(dict.fromkeys(name for summary in summaries for name in summary.mean))
    rows = [["recipe", "seeds", *map(display_name, metrics)]]
    for summary in summaries:
        scores = [_mean_and_deviation(summary, name) for name in metrics]
        rows.append([summary.recipe, _seeds(summary), *scores])
        for baseline, means in summary.baselines.items():
            shown = [f"{means[name]:.3f}" if name in means else "–" for name in metrics]
            rows.append([f"  {display_name(baseline)}", "", *shown])
    return rows


def _seeds(summary: SeedSummary) -> str:
    collapsed = f" ({len(summary.collapsed)} collapsed)" if summary.collapsed else ""
    return f"{len(summary.seeds)}{collapsed}"


def _mean_and_deviation(summary: SeedSummary, name: str) -> str:
    if name not in summary.mean:
        return "–"
    deviation = "" if summary.std is None else f"±{summary.std[name]:.3f}"
    return f"{summary.mean[name]:.3f}{deviation}"
