"""Comparison of runs, grouped by recipe, options and protocol, with mean and standard deviation over seeds."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from latentclust.cards import Cells
from latentclust.errors import LatentclustError
from latentclust.report.console import plain_table
from latentclust.report.display_names import display_name, label_free_name, recipe_title
from latentclust.report.facts import OWN
from latentclust.report.markdown import markdown_table
from latentclust.report.result_text import label_free_names
from latentclust.report.results import RESULTS, SUMMARY, RunResult, SeedSummary, read_results, summarise
from latentclust.report.shared_samples import agreements, read_assignments

SEED_FOLDERS = "seed-*"

FOLDER = "folder"
"""Heading of the column of folders."""

MAX_RUNS = 12
"""Maximum number of runs of which each pair is compared."""


def compare_runs(folders: Iterable[Path]) -> list[SeedSummary]:
    """Return one summary per recipe, options and protocol, in order of the first run. A run named twice counts once.

    Args:
        folders: Run folders, or folders of several seeds (`DIR/seed-N`).

    Raises:
        LatentclustError: If a folder contains no finished run, or an invalid one.
    """
    groups: dict[tuple[str, str, str], dict[Path, RunResult]] = {}
    paths: dict[Path, Path] = {}
    for path in (path for folder in folders for path in _runs(folder)):
        paths.setdefault(path.resolve(), path)
    for run in paths.values():
        result = read_results(run)
        groups.setdefault((result.recipe, result.variant, result.protocol), {})[run] = result
    failed = _failed_seeds(paths.values())
    return [summarise([*runs.values()], _failed_beside(runs, failed), [*runs]) for runs in groups.values()]


def by_protocol(summaries: Sequence[SeedSummary]) -> dict[str, list[SeedSummary]]:
    """Return the summaries by protocol, in order of the first: figures of two protocols cannot be compared."""
    groups: dict[str, list[SeedSummary]] = {}
    for summary in summaries:
        groups.setdefault(summary.protocol, []).append(summary)
    return groups


def compare_table(summaries: Sequence[SeedSummary]) -> Cells:
    """Return runs of one protocol as a table."""
    header, *rows = _cells(summaries)
    left = frozenset({0, len(header) - 1}) if header[-1] == FOLDER else frozenset({0})
    title = "mean ± sample standard deviation over seeds"
    return Cells(title, header, rows, left, caption=summaries[0].protocol)


def agreement_table(summaries: Sequence[SeedSummary]) -> Cells | None:
    """Return the agreement of each pair of runs of one protocol as a table. None if there is none to show."""
    cells = _agreement_cells(summaries)
    return plain_table("agreement of the clusters of two runs (ARI)", cells) if cells else None


def compare_markdown(summaries: Sequence[SeedSummary]) -> str:
    """Return the comparison as one Markdown table for each protocol, with the protocol above it."""
    tables = []
    for protocol, group in by_protocol(summaries).items():
        header, *rows = _cells(group)
        tables.append(f"{protocol}:\n\n{markdown_table(header, rows)}\n")
        if pairs := _agreement_cells(group):
            tables.append(f"Agreement of the clusters of two runs (ARI):\n\n{markdown_table(pairs[0], pairs[1:])}\n")
    return "\n".join(tables)


def _failed_seeds(runs: Iterable[Path]) -> dict[Path, dict[int, str]]:
    """Return why seeds failed, by the folder of the seeds, as its summary says."""
    found = {}
    for folder in dict.fromkeys(run.parent for run in runs if run.name.startswith("seed-")):
        try:
            found[folder] = SeedSummary.model_validate_json((folder / SUMMARY).read_bytes()).failed
        except (OSError, ValidationError):
            continue
    return found


def _failed_beside(runs: Iterable[Path], failed: Mapping[Path, Mapping[int, str]]) -> dict[int, str]:
    """Return why seeds in the same folders as runs failed."""
    return {seed: why for run in runs for seed, why in failed.get(run.parent, {}).items()}


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
    """Return header and rows: one row per recipe, each followed by one row per baseline with its mean scores.

    Runs without ground truth show their scores without labels. The folders are shown where they are known.
    """
    metrics = list(dict.fromkeys(name for summary in summaries for name in summary.mean))
    free = label_free_names(scores for summary in summaries for scores in summary.label_free.values())
    seeds_agree = any(summary.mean_agreement is not None for summary in summaries)
    in_folders = any(_folder(summary) not in ("", ".") for summary in summaries)
    agree = ["ARI between seeds"] * seeds_agree
    folder = [FOLDER] * in_folders
    rows = [
        [
            "recipe",
            "seeds",
            *map(display_name, metrics),
            *map(label_free_name, free),
            *agree,
            "worst seed",
            "empty clusters",
            *folder,
        ]
    ]
    for summary in summaries:
        scores = [_mean_and_deviation(summary, name) for name in metrics]
        rows.append(
            [
                recipe_title(summary.recipe, summary.trial),
                _seeds(summary),
                *scores,
                *(_own_label_free(summary, name) for name in free),
                *[_number(summary.mean_agreement)] * seeds_agree,
                _worst(summary),
                _empty(summary),
                *[_folder(summary)] * in_folders,
            ]
        )
        rows += _baseline_rows(summary, metrics, free, len(agree) + 2 + len(folder))
    return rows


def _baseline_rows(summary: SeedSummary, metrics: list[str], free: list[str], rest: int) -> list[list[str]]:
    """Return a row for each baseline, with `rest` empty cells at the end."""
    names = [*summary.baselines, *(name for name in summary.label_free if name != OWN)]
    rows = []
    for baseline in names:
        scores = [_number(summary.baselines.get(baseline, {}).get(name)) for name in metrics]
        without = [_number(summary.label_free.get(baseline, {}).get(name)) for name in free]
        rows.append([f"  {display_name(baseline)}", "", *scores, *without, *[""] * rest])
    return rows


def _agreement_cells(summaries: Sequence[SeedSummary]) -> list[list[str]]:
    """Return header and rows of the ARI of each pair of runs, or nothing for one run, many or unknown clusters."""
    runs = [(summary, place) for summary in summaries for place in range(len(summary.seeds))]
    names = [s.folders[place] if s.folders else f"seed {s.seeds[place]}" for s, place in runs]
    if not 1 < len(runs) <= MAX_RUNS:
        return []
    if len(summaries) == 1:
        matrix = summaries[0].agreement
    else:
        folders = [s.folders[place] if s.folders else None for s, place in runs]
        pairs = agreements([None if folder is None else read_assignments(Path(folder)) for folder in folders])
        matrix = [[pair.ari for pair in row] for row in pairs]
    if all(value is None for row in matrix for value in row):
        return []
    numbers = [f"({number})" for number in range(1, len(runs) + 1)]
    rows = zip(numbers, names, matrix, strict=True)
    return [["", *numbers], *([f"{number} {name}", *map(_number, row)] for number, name, row in rows)]


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


def _folder(summary: SeedSummary) -> str:
    """Return the folder of a run, or the folder that several seeds lie in, or the folders."""
    above = {str(Path(folder).parent) for folder in summary.folders}
    return above.pop() if len(summary.folders) > 1 and len(above) == 1 else ", ".join(summary.folders)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _own_label_free(summary: SeedSummary, name: str) -> str:
    """Return the mean of a score without labels, with its deviation over seeds."""
    deviation = (summary.label_free_std or {}).get(name)
    return _number(summary.label_free.get(OWN, {}).get(name)) + ("" if deviation is None else f"±{deviation:.3f}")


def _mean_and_deviation(summary: SeedSummary, name: str) -> str:
    if name not in summary.mean:
        return "–"
    deviation = "" if summary.std is None else f"±{summary.std[name]:.3f}"
    return f"{summary.mean[name]:.3f}{deviation}"
