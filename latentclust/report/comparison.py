"""Comparison of runs, grouped by recipe, options and protocol, with mean and standard deviation over seeds."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from latentclust.errors import LatentclustError
from latentclust.report.display_names import display_name, recipe_title
from latentclust.report.markdown import markdown_table
from latentclust.report.results import RESULTS, SUMMARY, RunResult, SeedSummary, read_results, summarise

SEED_FOLDERS = "seed-*"


def compare_runs(folders: Iterable[Path]) -> list[SeedSummary]:
    """Return one summary per recipe, options and protocol, in order of the first run. A run named twice counts once.

    Args:
        folders: Run folders, or folders of several seeds (`DIR/seed-N`).

    Raises:
        LatentclustError: If a folder contains no finished run, or an invalid one.
    """
    groups: dict[tuple[str, str, str], list[RunResult]] = {}
    for run in dict.fromkeys(path.resolve() for folder in folders for path in _runs(folder)):
        result = read_results(run)
        groups.setdefault((result.recipe, result.variant, result.protocol), []).append(result)
    return [summarise(runs) for runs in groups.values()]


def by_protocol(summaries: Sequence[SeedSummary]) -> dict[str, list[SeedSummary]]:
    """Return the summaries by protocol, in order of the first: figures of two protocols cannot be compared."""
    groups: dict[str, list[SeedSummary]] = {}
    for summary in summaries:
        groups.setdefault(summary.protocol, []).append(summary)
    return groups


def compare_table(summaries: Sequence[SeedSummary]) -> Table:
    """Return runs of one protocol as a table for the terminal."""
    table = Table(title="mean ± sample standard deviation over seeds", caption=escape(summaries[0].protocol))
    header, *rows = _cells(summaries)
    table.add_column(header[0])
    for heading in header[1:]:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def compare_markdown(summaries: Sequence[SeedSummary]) -> str:
    """Return the comparison as one Markdown table for each protocol, with the protocol above it."""
    tables = []
    for protocol, group in by_protocol(summaries).items():
        header, *rows = _cells(group)
        tables.append(f"{protocol}:\n\n{markdown_table(header, rows)}\n")
    return "\n".join(tables)


def _runs(folder: Path) -> list[Path]:
    """Return the run folders in a folder, or the folder itself."""
    if (folder / RESULTS).is_file():
        return [folder]
    seeds = sorted(path.parent for path in folder.glob(f"{SEED_FOLDERS}/{RESULTS}"))
    if not seeds:
        fix = f"Name a run folder, with {RESULTS}, or a folder of several seeds, with {SUMMARY}"
        raise LatentclustError.at(str(folder), "contains no finished run", fix)
    return seeds


def _cells(summaries: Sequence[SeedSummary]) -> list[list[str]]:
    """Return header and rows: one row per recipe, each followed by one row per baseline with its mean scores."""
    metrics = list(dict.fromkeys(name for summary in summaries for name in summary.mean))
    rows = [["recipe", "seeds", *map(display_name, metrics), "worst seed", "empty clusters"]]
    for summary in summaries:
        scores = [_mean_and_deviation(summary, name) for name in metrics]
        rows.append(
            [recipe_title(summary.recipe, summary.trial), _seeds(summary), *scores, _worst(summary), _empty(summary)]
        )
        for baseline, means in summary.baselines.items():
            shown = [f"{means[name]:.3f}" if name in means else "–" for name in metrics]
            rows.append([f"  {display_name(baseline)}", "", *shown, "", ""])
    return rows


def _seeds(summary: SeedSummary) -> str:
    collapsed = f" ({len(summary.collapsed)} collapsed)" if summary.collapsed else ""
    return f"{len(summary.seeds)}{collapsed}"


def _worst(summary: SeedSummary) -> str:
    """Return the lowest value of the first metric over several seeds, with its seed."""
    if len(summary.seeds) < 2 or summary.worst_seed is None:
        return "–"
    first = next(iter(summary.worst))
    return f"{display_name(first)} {summary.worst[first]:.3f} (seed {summary.worst_seed})"


def _empty(summary: SeedSummary) -> str:
    """Return the number of empty clusters of the runs that have any."""
    counts = zip(summary.seeds, summary.empty_clusters, strict=True)
    return ", ".join(f"{count} (seed {seed})" for seed, count in counts if count) or "0"


def _mean_and_deviation(summary: SeedSummary, name: str) -> str:
    if name not in summary.mean:
        return "–"
    deviation = "" if summary.std is None else f"±{summary.std[name]:.3f}"
    return f"{summary.mean[name]:.3f}{deviation}"
