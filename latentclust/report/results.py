"""Reading, validating and writing results.json of a run and summary.json of several seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, computed_field

from latentclust.cards import Card, Note, Part, Shown
from latentclust.errors import LatentclustError
from latentclust.evaluate.clustering import class_scores
from latentclust.evaluate.empty_clusters import find_empty
from latentclust.evaluate.seeds import has_collapsed, mean_and_std
from latentclust.files import write_atomic
from latentclust.report.alarms import alarms
from latentclust.report.display_names import class_names, recipe_title
from latentclust.report.facts import OWN, PluginFacts, RunFacts
from latentclust.report.shared_samples import agreements, read_assignments
from latentclust.train.starts_file import StartsLog

RESULTS = "results.json"
SUMMARY = "summary.json"
NO_LABELS = "The data have no labels, so no metric was computed."

Scores = dict[str, float | None]
"""Values by metric. None if the metric of a plugin was not a finite number."""


class RunResult(BaseModel):
    """The contents of results.json.

    Attributes:
        occupancy: Number of samples or pixels in each cluster, cluster 1 first.
        collapsed: Whether the run uses at most half of the K clusters (see `evaluate.seeds`).
        precision: Precision of the networks in training: `fp32`, `bf16` or `fp16`. Empty if unknown.
        variant: Hash of the recipe without its seed.
        readouts: Scores of other inferences on the same model, with their `agreement` with its own.
        chain_agreement: Share of the samples that independent chains put into one cluster. None without chains.
        class_iou: Intersection over union of each class of label maps and its matched cluster. None for a class
            without pixels.
        confidence: Mean probability of the chosen clusters. None if unknown.
        starts: Scores of all starts, and which of them went on. None for a training with a single one.
        note: Reason why there are no metrics. None if there are.
        trial: Whether the run is a trial with a tenth of the recipe's rounds, and not a result.
        largest_posterior: Largest probability of each cluster on any sample, cluster 1 first. Empty if unknown.
        mean_posterior: Mean probability of each cluster, cluster 1 first. Empty if unknown.
        alarms: Sentences about empty and near-empty clusters, with the likely cause.
        label_free: Scores without labels by clustering, `run` first, then the baselines (see `RunFacts.label_free`).
            Empty with ground truth.
        weights: Pretrained weights that the run read, each with how it was trained.
        features_seconds: Time in which the feature bank was computed, once for all runs that share it; `seconds` does
            not include it. None without a bank.
        plugins: Plugins that were given by a file, a module or a class, with the SHA-256 of each.
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
    precision: str = ""
    variant: str = ""
    readouts: dict[str, Scores] = {}
    chain_agreement: float | None = None
    class_iou: dict[str, float | None] = {}
    confidence: float | None = None
    starts: StartsLog | None = None
    note: str | None = None
    trial: bool = False
    largest_posterior: list[float] = []
    mean_posterior: list[float] = []
    alarms: list[str] = []
    label_free: dict[str, Scores] = {}
    weights: list[str] = []
    features_seconds: float | None = None
    plugins: list[PluginFacts] = []

    @computed_field  # type: ignore[prop-decorator]
    @property
    def empty_clusters(self) -> list[int]:
        """Clusters without a sample, counted from 1."""
        return [cluster + 1 for cluster in find_empty(np.array(self.occupancy)).empty]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def near_empty_clusters(self) -> list[int]:
        """Clusters with few samples but not none (see `evaluate.empty_clusters`), counted from 1."""
        return [cluster + 1 for cluster in find_empty(np.array(self.occupancy)).near_empty]

    @classmethod
    def from_facts(cls, facts: RunFacts) -> "RunResult":
        """Return the result of a finished run."""
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
            precision=facts.precision,
            variant=facts.variant,
            readouts={name: {**(r.metrics or {}), "agreement": r.agreement} for name, r in facts.readouts.items()},
            chain_agreement=facts.chains.agreement if facts.chains else None,
            class_iou=_class_iou(facts) if facts.protocol.unit == "pixels" else {},
            confidence=facts.confidence,
            starts=facts.starts,
            note=NO_LABELS if facts.metrics is None else None,
            trial=facts.trial,
            largest_posterior=facts.by_cluster.largest.tolist() if facts.by_cluster else [],
            mean_posterior=facts.by_cluster.mean.tolist() if facts.by_cluster else [],
            alarms=alarms(facts),
            label_free={name: dict(row) for name, row in facts.label_free.scores.items()} if facts.label_free else {},
            weights=list(facts.weights),
            features_seconds=facts.features_seconds,
            plugins=list(facts.plugins),
        )


class SeedSummary(BaseModel, Shown):
    """The contents of summary.json: several seeds of one recipe under one protocol.

    Attributes:
        mean: Mean by metric over all seeds, including collapsed runs.
        std: Sample standard deviation by metric (n - 1 in the denominator). None for a single seed.
        seeds: Seeds of the finished runs.
        collapsed: Seeds whose run collapsed.
        failed: Reason of each seed without a result, such as divergence. These seeds are in no mean.
        metrics: Values behind the mean, in the order of `seeds`.
        baselines: Mean of each baseline's metrics over the same seeds.
        trial: Whether the runs are trials with a tenth of the recipe's rounds, and not results.
        worst: Lowest value of each metric over the seeds.
        worst_seed: Seed with the lowest value of the first metric. None without ground truth.
        empty_clusters: Number of empty clusters of each run, in the order of `seeds`.
        near_empty_clusters: Number of near-empty clusters of each run, in the order of `seeds`.
        label_free: Mean of each score without labels by clustering, `run` first. Empty with ground truth.
        label_free_std: Sample standard deviation of those of the runs. None for a single seed.
        agreement: ARI of the clusters of each pair of runs, in the order of `seeds`; None if it is unknown. Empty for a
            single seed.
        folders: Folder of each run, in the order of `seeds`. Empty if unknown.
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
    trial: bool
    worst: dict[str, float]
    worst_seed: int | None
    empty_clusters: list[int]
    near_empty_clusters: list[int]
    label_free: dict[str, dict[str, float]] = {}
    label_free_std: dict[str, float] | None = None
    agreement: list[list[float | None]] = []
    folders: list[str] = []

    def __repr__(self) -> str:
        return Shown.__repr__(self)

    def _headline(self) -> str:
        return f"{recipe_title(self.recipe, self.trial)}, {len(self.seeds)} seeds"

    def _card(self) -> Card:
        from latentclust.report.comparison import agreement_table, compare_table

        pairs = agreement_table([self])
        parts: list[Part] = [compare_table([self]), *([pairs] if pairs else [])]
        failed = [Note(f"Seed {seed} failed:", reason) for seed, reason in self.failed.items()]
        return Card(f"Runs of {self._headline()}", [*parts, *failed])

    @property
    def mean_agreement(self) -> float | None:
        """Mean ARI of the clusters of two runs. None if it is unknown."""
        pairs = [value for row, values in enumerate(self.agreement) for value in values[:row]]
        known = [value for value in pairs if value is not None]
        return sum(known) / len(known) if known else None


def summarise(
    runs: Sequence[RunResult], failed: Mapping[int, str] | None = None, folders: Sequence[Path] = ()
) -> SeedSummary:
    """Return the summary of at least one finished run and of the failed ones, all of one recipe and protocol.

    Args:
        runs: The finished runs.
        failed: Reason of each seed without a result.
        folders: Folder of each finished run, whose assignments are compared. Empty if unknown.
    """
    scores = [_finite(run.metrics) for run in runs]
    over_seeds = mean_and_std(scores)
    first = next(iter(over_seeds.mean), None)
    shared = [name for name in runs[0].baselines if all(name in run.baselines for run in runs)]
    label_free = {
        name: mean_and_std([_finite(run.label_free[name]) for run in runs])
        for name in runs[0].label_free
        if all(name in run.label_free for run in runs)
    }
    pairs = agreements([read_assignments(folder) for folder in folders]) if len(folders) > 1 else []
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
        trial=any(run.trial for run in runs),
        worst={name: min(run[name] for run in scores) for name in over_seeds.mean},
        worst_seed=None if first is None else min(runs, key=lambda run: _finite(run.metrics)[first]).seed,
        empty_clusters=[len(run.empty_clusters) for run in runs],
        near_empty_clusters=[len(run.near_empty_clusters) for run in runs],
        label_free={name: scores.mean for name, scores in label_free.items()},
        label_free_std=label_free[OWN].std if label_free else None,
        agreement=[[pair.ari for pair in row] for row in pairs],
        folders=[str(folder) for folder in folders],
    )


def write_results(folder: Path, result: RunResult) -> None:
    """Write results.json to a run folder. Raise LatentclustError if it cannot be written."""
    _write(folder / RESULTS, result)


def write_summary(folder: Path, summary: SeedSummary) -> None:
    """Write summary.json next to the seeds' folders. Raise LatentclustError if it cannot be written."""
    _write(folder / SUMMARY, summary)


def read_results(folder: Path) -> RunResult:
    """Read the result in a run folder. Raise LatentclustError if results.json is missing or invalid."""
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


def _class_iou(facts: RunFacts) -> dict[str, float | None]:
    """Return the intersection over union by class, None for a class without pixels. Empty without ground truth."""
    if facts.table is None or facts.matching is None:
        return {}
    iou = class_scores(facts.table, facts.matching).iou
    names = class_names(facts.classes, len(iou))
    return {name: None if np.isnan(value) else float(value) for name, value in zip(names, iou, strict=True)}


def _write(path: Path, content: BaseModel) -> None:
    write_atomic(path, content.model_dump_json(indent=2, exclude={"note"} if _without_note(content) else None) + "\n")


def _without_note(content: BaseModel) -> bool:
    return isinstance(content, RunResult) and content.note is None


def _finite(scores: Scores) -> dict[str, float]:
    return {name: value for name, value in scores.items() if value is not None}
