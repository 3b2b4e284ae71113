"""The section of the scores of several runs: each run as a dot, mean and deviation, and a table with links."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import ClassVar, final

from latentclust.report.compared_runs import ComparedRun, RunGroup
from latentclust.report.display_names import display_name, label_free_name
from latentclust.report.facts import OWN
from latentclust.report.page.section import Section
from latentclust.report.result_text import label_free_names
from latentclust.report.results import Scores


@dataclass(frozen=True, slots=True)
class Dot:
    """A value on a scale.

    Attributes:
        name: What has the value.
        text: The value.
        place: Place on the scale in per cent.
    """

    name: str
    text: str
    place: float


@dataclass(frozen=True, slots=True)
class Strip:
    """The values of a group of runs on a scale.

    Attributes:
        title: Name of the group.
        mean: Mean and deviation as text.
        runs: The runs.
        middle: The mean.
        baselines: The means of the baselines.
    """

    title: str
    mean: str
    runs: Sequence[Dot]
    middle: Dot
    baselines: Sequence[Dot]


@dataclass(frozen=True, slots=True)
class MetricStrips:
    """One metric of all groups on one scale.

    Attributes:
        title: Name of the metric.
        low: Lowest value of the scale as text.
        high: Highest value as text.
        strips: The groups.
    """

    title: str
    low: str
    high: str
    strips: Sequence[Strip]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunScores(Section):
    """Scores of several runs.

    Attributes:
        metrics: The scores that all groups have.
        columns: Headings of the table of runs.
        rows: The runs, each with its values as text.
    """

    key: str = "runs"
    title: str = "Scores"
    template: ClassVar[str] = "run_scores.html"
    style: ClassVar[str] = "run-scores.css"
    metrics: Sequence[MetricStrips]
    columns: Sequence[str]
    rows: Sequence[tuple[ComparedRun, Sequence[str]]]


def run_scores_section(groups: Sequence[RunGroup], key: str, title: str) -> RunScores:
    """Return the scores of runs of one protocol, without ground truth their scores without labels.

    Args:
        groups: The runs by recipe.
        key: Key of the section.
        title: Heading of the section.
    """
    labelled = any(group.summary.mean for group in groups)
    names = _metric_names(groups, labelled)
    name_of = display_name if labelled else label_free_name
    strips = [_strips(name, name_of(name), groups, labelled) for name in names]
    runs = [run for group in groups for run in group.runs]
    columns = ["run", *map(name_of, names), "confidence", "empty clusters", "time", ""]
    rows = [(run, _row(run, names, labelled)) for run in runs]
    return RunScores(key=key, title=title, metrics=[each for each in strips if each], columns=columns, rows=rows)


def _metric_names(groups: Sequence[RunGroup], labelled: bool) -> list[str]:
    if labelled:
        return list(dict.fromkeys(name for group in groups for name in group.summary.mean))
    return label_free_names(group.summary.label_free.get(OWN, {}) for group in groups)


def _own(run: ComparedRun, labelled: bool) -> Scores:
    return run.result.metrics if labelled else run.result.label_free.get(OWN, {})


def _strips(name: str, title: str, groups: Sequence[RunGroup], labelled: bool) -> MetricStrips | None:
    """Return the values of a metric on a scale from the lowest to the highest. None without values."""
    found = []
    for group in groups:
        summary = group.summary
        values = [(run.name, _own(run, labelled).get(name)) for run in group.runs]
        known = [(run, value) for run, value in values if value is not None and isfinite(value)]
        others = summary.baselines if labelled else {k: v for k, v in summary.label_free.items() if k != OWN}
        baselines = [(display_name(other), scores[name]) for other, scores in others.items() if name in scores]
        if known:
            deviation = (summary.std or {}).get(name) if labelled else (summary.label_free_std or {}).get(name)
            found.append((group.title, known, baselines, deviation))
    every = [value for _, known, baselines, _ in found for _, value in (*known, *baselines)]
    if not every:
        return None
    low, high = min(every), max(every)
    span = (high - low) or 1.0

    def dot(what: str, value: float) -> Dot:
        return Dot(what, f"{value:.3f}", round(3 + 94 * (value - low) / span, 2))

    strips = []
    for group_title, known, baselines, deviation in found:
        mean = sum(value for _, value in known) / len(known)
        text = f"{mean:.3f}" + ("" if deviation is None else f" ± {deviation:.3f}")
        strips.append(
            Strip(group_title, text, [dot(*each) for each in known], dot("mean", mean), [dot(*b) for b in baselines])
        )
    return MetricStrips(title, f"{low:.3f}", f"{high:.3f}", strips)


def _row(run: ComparedRun, names: Sequence[str], labelled: bool) -> list[str]:
    result, own = run.result, _own(run, labelled)
    scores = ["–" if (value := own.get(name)) is None else f"{value:.3f}" for name in names]
    confidence = "–" if result.confidence is None else f"{result.confidence:.3f}"
    state = "collapsed" if result.collapsed else ""
    return [*scores, confidence, str(len(result.empty_clusters)), f"{result.seconds:,.0f} s", state]
