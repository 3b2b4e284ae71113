"""Finished runs of one protocol, with what a page compares: results, clusters, losses and links to their reports."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from latentclust.report.display_names import isolate, recipe_title
from latentclust.report.page.page import REPORT_PAGE
from latentclust.report.results import RunResult, SeedSummary, read_results
from latentclust.report.shared_samples import RunAssignments, read_assignments
from latentclust.report.training_log import Curve, read_losses


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """A finished run.

    Attributes:
        name: Name on the page, such as `seed 3`.
        folder: Its folder as text.
        link: Address of its report, relative to the page. Empty if there is none.
        result: Its results.
        assignments: Clusters of its samples. None if they are unknown.
        losses: Logged losses by name.
    """

    name: str
    folder: str
    link: str
    result: RunResult
    assignments: RunAssignments | None
    losses: Mapping[str, Curve]


@dataclass(frozen=True, slots=True)
class RunGroup:
    """Runs of one recipe, options and protocol.

    Attributes:
        title: Name of the recipe.
        summary: Mean and deviation over the runs.
        runs: The runs in the order of the summary's seeds.
    """

    title: str
    summary: SeedSummary
    runs: Sequence[ComparedRun]


def open_groups(summaries: Sequence[SeedSummary], page: Path, base: Path = Path()) -> list[RunGroup]:
    """Read the runs of summaries.

    Args:
        summaries: Summaries with the folders of their runs.
        page: File in which the page is written, which links are relative to.
        base: Folder that the folders of the summaries are relative to.

    Raises:
        LatentclustError: If a run has no valid results.
    """
    many = len(summaries) > 1
    groups = []
    for summary in summaries:
        title = recipe_title(summary.recipe, summary.trial)
        runs = [
            _open_run(base / folder, folder, f"{isolate(title)}, seed {seed}" if many else f"seed {seed}", page)
            for seed, folder in zip(summary.seeds, summary.folders, strict=True)
        ]
        groups.append(RunGroup(title, summary, runs))
    return groups


def _open_run(folder: Path, shown: str, name: str, page: Path) -> ComparedRun:
    result, report = read_results(folder), folder / REPORT_PAGE
    starts = result.starts
    link = ""
    if report.is_file():
        link = quote(Path(os.path.relpath(report.resolve(), page.resolve().parent)).as_posix())
    losses = read_losses(folder, (starts.chosen or 0) if starts else 0)
    return ComparedRun(name, shown, link, result, read_assignments(folder), losses)
