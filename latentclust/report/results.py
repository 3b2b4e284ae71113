"""results.json of a run and summary.json of several, written whole and read back checked."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from latentclust.errors import LatentclustError
from latentclust.evaluate.seeds import has_collapsed, mean_and_std
from latentclust.files import write_atomic
from latentclust.report.class_table import class_iou
from latentclust.report.facts import RunFacts

RESULTS = "results.json"
SUMMARY = "summary.json"
NO_LABELS = "The data has no labels, so no metric was computed."

Scores = dict[str, float | None]
"""Metric to value; null where a plugin's metric was not a finite number."""


class RunResult(BaseModel):
    """What results.json holds.

    Attributes:
        occupancy: Samples, or pixels, in each cluster, cluster 1 first.
        collapsed: Whether at most half of the K clusters do the work (see `evaluate.seeds`).
        variant: A hash of the recipe but for its seed.
        readouts: Scores of other inferences on the same model, with their `agreement` with its own.
        chain_agreement: Share of the samples that independent chains put into one cluster; null without chains.
        class_iou: Of label maps, intersection over union of each class and its matched cluster; null without pixels.
        confidence: Mean probability of the chosen clusters; null where it is not known.
        note: Why there are no metrics, where there are none.
    """

    model_config = ConfigDict(frozen=True)

    recipe: str
    protocol: str
    seed: int
    device: str
    seconds: float
    metrics: Scores
    baselines: dict[str, Scores]
    versions: dict[str, str]
    clusters: int
    occupancy: list[int]
    collapsed: bool
    variant: str = ""
    readouts: dict[str, Scores] = {}
    chain_agreement: float | None = None
    class_iou: dict[str, float | None] = {}
    confidence: float | None = None
    note: str | None = None

    @classmethod
    def from_facts(cls, facts: RunFacts) -> "RunResult":
        """The result of a finished run."""
        return cls(
            recipe=facts.recipe,
            protocol=str(facts.protocol),
            seed=facts.seed,
            device=facts.device,
            seconds=facts.seconds,
            metrics=dict(facts.metrics or {}),
            baselines={name: dict(scores) for name, scores in (facts.baselines or {}).items()},
            versions=dict(facts.versions),
            clusters=facts.clusters,
            occupancy=facts.occupancy.tolist(),
            collapsed=has_collapsed(facts.occupancy),
            variant=facts.variant,
            readouts={name: {**(r.metrics or {}), "agreement": r.agreement} for name, r in facts.readouts.items()},
            chain_agreement=facts.chains.agreement if facts.chains else None,
            class_iou=class_iou(facts) if facts.protocol.unit == "pixels" else {},
            confidence=facts.confidence,
            note=NO_LABELS if facts.metrics is None else None,
        )


class SeedSummary(BaseModel):
    """What summary.json holds: several seeds of one recipe under one protocol.

    Attributes:
        mean: By metric, over all seeds, collapsed ones included.
        std: Sample standard deviation (n - 1 in the denominator); null for a single seed.
        collapsed: The seeds whose run collapsed.
        failed: The seeds that have no result, such as one that diverged, and why; they are in no mean.
        metrics: The values behind the mean, in the order of `seeds`.
        baselines: The mean of each baseline's metrics over the same seeds.
    """

    model_config = ConfigDict(frozen=True)

    recipe: str
    protocol: str
    mean: dict[str, float]
    std: dict[str, float] | None
    seeds: list[int]
    collapsed: list[int]
    failed: dict[int, str]
    metrics: dict[str, list[float]]
    baselines: dict[str, dict[str, float]]


def summarise(runs: Sequence[RunResult], failed: Mapping[int, str] | None = None) -> SeedSummary:
    """The summary of at least one finished run, and of those that failed; all share their recipe and protocol."""
    scores = [_finite(run.metrics) for run in runs]
    over_seeds = mean_and_std(scores)
    shared = [name for name in runs[0].baselines if all(name in run.baselines for run in runs)]
    return SeedSummary(
        recipe=runs[0].recipe,
        protocol=runs[0].protocol,
        mean=over_seeds.mean,
        std=over_seeds.std,
        seeds=[run.seed for run in runs],
        collapsed=[run.seed for run in runs if run.collapsed],
        failed=dict(failed or {}),
        metrics={name: [run[name] for run in scores] for name in over_seeds.mean},
        baselines={name: mean_and_std([_finite(run.baselines[name]) for run in runs]).mean for name in shared},
    )


def write_results(folder: Path, result: RunResult) -> None:
    """Writes results.json into a run's folder; raises LatentclustError where it cannot."""
    _write(folder / RESULTS, result)


def write_summary(folder: Path, summary: SeedSummary) -> None:
    """Writes summary.json beside the seeds' folders; raises LatentclustError where it cannot."""
    _write(folder / SUMMARY, summary)


def read_results(folder: Path) -> RunResult:
    """The result of a run's folder; raises LatentclustError where results.json is absent or not one."""
    path = folder / RESULTS
    try:
        return RunResult.model_validate_json(path.read_bytes())
    except OSError as error:
        what = f"cannot be read ({error.strerror or error})"
        raise LatentclustError.at(str(path), what, "Name the folder of a finished run") from error
    except ValidationError as error:
        first: Any = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        fix = "Run the recipe again, or name another folder"
        raise LatentclustError.at(str(path), f"{place}: {first['msg']}", fix) from error


def _write(path: Path, content: BaseModel) -> None:
    write_atomic(path, content.model_dump_json(indent=2, exclude={"note"} if _silent(content) else None) + "\n")


def _silent(content: BaseModel) -> bool:
    return isinstance(content, RunResult) and content.note is None


def _finite(scores: Scores) -> dict[str, float]:
    return {name: value for name, value in scores.items() if value is not None}
