"""The sections of the agreement of several runs: ARI of each pair, and which clusters are found again."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import ClassVar, final

from latentclust.evaluate.stability import DOUBTFUL, STABLE, Stability
from latentclust.report.compared_runs import ComparedRun
from latentclust.report.page.section import Section
from latentclust.report.shared_samples import PairAgreement, agreements, stability

MOST_RUNS = 12
"""Maximum number of runs of which each pair is compared, the first ones."""

MOST_CLUSTERS = 200
"""Maximum number of clusters in the table, the least stable ones."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement(Section):
    """Agreement of each pair of runs.

    Attributes:
        names: Names of the runs.
        pairs: Agreement of each pair, a symmetric matrix.
        left_out: Number of runs that are left out.
        unit: What the runs share, such as `samples`.
    """

    key: str = "agreement"
    title: str = "Agreement"
    template: ClassVar[str] = "agreement.html"
    style: ClassVar[str] = "agreement.css"
    names: Sequence[str]
    pairs: Sequence[Sequence[PairAgreement]]
    left_out: int
    unit: str


@dataclass(frozen=True, slots=True)
class StableCluster:
    """How well a cluster of the first run is found again.

    Attributes:
        number: Number of the cluster, from 1.
        size: Number of its samples in the first run.
        mean: Mean Jaccard index over the other runs in [0, 1]. None if none of its samples was compared.
        each: Jaccard index in each of the other runs as text, with the matched cluster.
        verdict: What the mean says.
    """

    number: int
    size: int
    mean: float | None
    each: Sequence[str]
    verdict: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StableClusters(Section):
    """Stability of the clusters of the first run.

    Attributes:
        first: Name of the first run.
        others: Names of the runs that it is compared with.
        clusters: The clusters, the least stable first.
        count: Number of clusters that are stable, doubtful, or in between, as a sentence.
        compared: Number of samples that were compared, and the runs that were not, in sentences.
        left_out: Number of clusters that are left out.
    """

    key: str = "stability"
    title: str = "Stable clusters"
    template: ClassVar[str] = "stable_clusters.html"
    style: ClassVar[str] = "class-scores.css"
    first: str
    others: Sequence[str]
    clusters: Sequence[StableCluster]
    count: str
    compared: str
    left_out: int
    stable: float = STABLE
    doubtful: float = DOUBTFUL


def agreement_section(runs: Sequence[ComparedRun], unit: str, key: str, title: str) -> Agreement | None:
    """Return the agreement of each pair of runs. None if there is none to show.

    Args:
        runs: Runs of one protocol.
        unit: What the runs share.
        key: Key of the section.
        title: Heading of the section.
    """
    shown = runs[:MOST_RUNS]
    pairs = agreements([run.assignments for run in shown])
    known = any(pair.ari is not None for at, row in enumerate(pairs) for pair in row[:at])
    names = [run.name for run in shown]
    left_out = len(runs) - len(shown)
    return Agreement(key=key, title=title, names=names, pairs=pairs, left_out=left_out, unit=unit) if known else None


def stability_section(
    runs: Sequence[ComparedRun], key: str, title: str, unit: str = "samples"
) -> StableClusters | None:
    """Return which clusters of the first run are found again in the others. None if it is unknown.

    Args:
        runs: Runs of one protocol.
        key: Key of the section.
        title: Heading of the section.
        unit: What the runs share.
    """
    first, others = runs[0], [run for run in runs[1:MOST_RUNS] if stability_of([runs[0], run]) is not None]
    found = stability_of([first, *others])
    if found is None:
        return None
    means = found.mean.tolist()
    order = sorted(range(len(means)), key=lambda at: 2.0 if isnan(means[at]) else means[at])
    clusters = [
        StableCluster(
            at + 1,
            first.result.occupancy[at],
            None if isnan(means[at]) else means[at],
            [
                _pair_text(*pair)
                for pair in zip(found.jaccard[:, at].tolist(), found.matched[:, at].tolist(), strict=True)
            ],
            _verdict(means[at], first.result.occupancy[at], unit),
        )
        for at in order
    ]
    verdicts = [cluster.verdict for cluster in clusters]
    counts = [f"{verdicts.count(name)} {name}" for name in dict.fromkeys(verdicts)]
    return StableClusters(
        key=key,
        title=title,
        first=first.name,
        others=[run.name for run in others],
        clusters=clusters[:MOST_CLUSTERS],
        count=f"{len(clusters)} clusters: {', '.join(counts)}.",
        compared=_compared(found.compared.tolist(), len(runs), len(others), unit),
        left_out=max(len(clusters) - MOST_CLUSTERS, 0),
    )


def stability_of(runs: Sequence[ComparedRun]) -> Stability | None:
    """Return the stability of the first run's clusters in the others. None if it is unknown."""
    return stability([run.assignments for run in runs], [run.result.clusters for run in runs])


def _compared(counts: Sequence[int], runs: int, others: int, unit: str) -> str:
    """Return the number of samples that were compared, and of runs that were not, in sentences."""
    low, high = min(counts), max(counts)
    number = f"{high:,}" if low == high else f"from {low:,} to {high:,}"
    sentences = [f"The number of {unit} in common is {number}."]
    if (beyond := runs - min(runs, MOST_RUNS)) > 0:
        sentences.append(f"Runs after the first {MOST_RUNS} are left out: {beyond}.")
    if (apart := min(runs, MOST_RUNS) - 1 - others) > 0:
        sentences.append(f"Runs without {unit} in common with the first one are left out: {apart}.")
    return " ".join(sentences)


def _verdict(mean: float, size: int, unit: str) -> str:
    if size == 0:
        return "empty"
    if isnan(mean):
        return f"unknown: none of the compared {unit}"
    if mean >= STABLE:
        return "stable"
    return "doubtful" if mean < DOUBTFUL else "partly stable"


def _pair_text(jaccard: float, matched: int) -> str:
    if isnan(jaccard):
        return "–"
    return f"{jaccard:.2f} ({matched + 1})" if matched >= 0 else f"{jaccard:.2f} (none)"
