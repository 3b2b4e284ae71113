"""The page of several runs: of the seeds of a recipe, or of `latentclust compare`."""

from collections.abc import Sequence
from pathlib import Path

from latentclust.files import OUT_FIX
from latentclust.report.compared_runs import RunGroup, open_groups
from latentclust.report.comparison import by_protocol
from latentclust.report.display_names import display_name, isolate
from latentclust.report.page.page import Page, write_page
from latentclust.report.page.section import Section
from latentclust.report.page.sections.run_agreement import agreement_section, stability_section
from latentclust.report.page.sections.run_losses import run_losses_section
from latentclust.report.page.sections.run_scores import run_scores_section
from latentclust.report.result_text import TRIAL
from latentclust.report.results import NO_LABELS, SeedSummary


def write_comparison(path: Path, summaries: Sequence[SeedSummary], base: Path = Path(), fix: str = OUT_FIX) -> Path:
    """Write the page of runs and return its path.

    Args:
        path: File to be written. Links are relative to its folder.
        summaries: Summaries with the folders of their runs.
        base: Folder that these folders are relative to.
        fix: Advice of the error if the file cannot be written.

    Raises:
        LatentclustError: If a run has no valid results, or the file cannot be written.
    """
    protocols = [open_groups(part, path, base) for part in by_protocol(summaries).values()]
    return write_page(path, comparison_page(protocols), fix)


def comparison_page(protocols: Sequence[Sequence[RunGroup]]) -> Page:
    """Return the page of runs.

    Args:
        protocols: The runs of each protocol by recipe. Runs of two protocols are not compared.
    """
    groups = [group for protocol in protocols for group in protocol]
    names = [protocol[0].summary.protocol for protocol in protocols]
    numbered = " ".join(f"Protocol {number}: {name}." for number, name in enumerate(names, start=1))
    return Page(
        title=_title(groups),
        subtitle=f"{names[0]}." if len(names) == 1 else numbered,
        verdict=tuple(_of(group, groups) + _verdict(group) for group in groups),
        spread=" ".join(_of(group, groups) + _spread(group) for group in groups if len(group.runs) > 1),
        alarms=tuple(_of(group, groups) + sentence for group in groups for sentence in _alarms(group)),
        notes=(TRIAL,) if any(group.summary.trial for group in groups) else (),
        sections=tuple(
            section
            for number, protocol in enumerate(protocols, start=1)
            for section in _sections(protocol, number, len(protocols))
        ),
    )


def _title(groups: Sequence[RunGroup]) -> str:
    runs = sum(len(group.runs) for group in groups)
    if len(groups) > 1:
        return f"Comparison of {runs} runs"
    seeds = groups[0].summary.seeds
    return f"{isolate(groups[0].title)}{f', seed {seeds[0]}' if runs == 1 else f': {runs} seeds'}"


def _sections(groups: Sequence[RunGroup], number: int, count: int) -> list[Section]:
    """Return the sections of one protocol."""
    end, of = ("", "") if count == 1 else (f"-{number}", f" of protocol {number}")
    runs = [run for group in groups for run in group.runs]
    unit = "pixels" if runs[0].result.class_iou or _of_pixels(groups) else "samples"
    found: list[Section | None] = [
        run_scores_section(groups, f"runs{end}", f"Scores{of}"),
        agreement_section(runs, unit, f"agreement{end}", f"Agreement{of}"),
        stability_section(runs, f"stability{end}", f"Stable clusters{of}", unit),
        run_losses_section(runs, f"losses{end}", f"Losses{of}"),
    ]
    return [section for section in found if section is not None]


def _of_pixels(groups: Sequence[RunGroup]) -> bool:
    assignments = next((run.assignments for group in groups for run in group.runs if run.assignments), None)
    return assignments is not None and "row" in assignments.keys


def _of(group: RunGroup, groups: Sequence[RunGroup]) -> str:
    """Return the name of a group that sentences about it begin with; nothing if it is the only one."""
    return f"{isolate(group.title)}: " if len(groups) > 1 else ""


def _verdict(group: RunGroup) -> str:
    """Return the first score of a group with its deviation, and how it compares with those of the baselines."""
    summary, count = group.summary, len(group.runs)
    name = next(iter(summary.mean), None)
    over = f"over {count} seeds" if count > 1 else f"with seed {summary.seeds[0]}"
    if name is None:
        return NO_LABELS if count > 1 else f"{NO_LABELS.removesuffix('.')} (seed {summary.seeds[0]})."
    deviation, mean = "" if summary.std is None else f" ± {summary.std[name]:.3f}", summary.mean[name]
    others = {display_name(other): row[name] for other, row in summary.baselines.items() if name in row}
    lost = ", ".join(f"{other} ({value:.3f})" for other, value in others.items() if value > mean)
    beaten = ", ".join(f"{other} ({value:.3f})" for other, value in others.items() if value <= mean)
    than = [*([f"lower than {lost}"] * bool(lost)), *([f"at least that of {beaten}"] * bool(beaten))]
    return f"{'; '.join([f'{display_name(name)} {mean:.3f}{deviation} {over}', *than])}."


def _spread(group: RunGroup) -> str:
    """Return the lowest score, and the mean agreement of each two seeds."""
    summary = group.summary
    name = next(iter(summary.mean), None)
    worst = ""
    if name is not None:
        worst = f"The lowest {display_name(name)} is {summary.worst[name]:.3f} (seed {summary.worst_seed})."
    agree = summary.mean_agreement
    alike = "" if agree is None else f"The clusters of each two seeds agree with an ARI of {agree:.3f} on average."
    return f"{worst} {alike}".strip()


def _alarms(group: RunGroup) -> list[str]:
    summary = group.summary
    failed = [f"seed {seed} failed and is in no mean: {why}" for seed, why in summary.failed.items()]
    collapsed = ", ".join(map(str, summary.collapsed))
    noun = "seed" if len(summary.collapsed) == 1 else "seeds"
    sentence = f"{noun} {collapsed} collapsed: at most half of the clusters are used."
    return [*failed, *[sentence] * bool(collapsed)]
