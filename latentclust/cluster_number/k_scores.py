"""Label-free scores of each number of clusters, from the results of its trainings."""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentclust.cluster_number.brief_data import BriefData
from latentclust.cluster_number.settings import BriefTraining, Settings, part_of
from latentclust.cluster_number.tasks import KMeansTask, task_file
from latentclust.cluster_number.training_result import TrainingResult
from latentclust.errors import LatentclustError, first_problem
from latentclust.evaluate.kmeans_reference import KMeansScores
from latentclust.evaluate.prediction_strength import prediction_strength
from latentclust.evaluate.stability import Labels

SMALL_SHARE = 0.01
"""Share of the samples below which a cluster counts as not used."""

FEWEST = 2
"""Number of used clusters below which a training has collapsed."""

Results = Mapping[BriefTraining, TrainingResult]
Pair = tuple[BriefTraining, BriefTraining]
Chosen = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Spread:
    """A value over trainings or over pairs of them.

    Attributes:
        mean: Mean.
        std: Sample standard deviation. None for a single value.
        values: The values.
    """

    mean: float
    std: float | None
    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread | None":
        """Return the spread of the values that are numbers. None if there are none."""
        known = tuple(float(value) for value in values if np.isfinite(value))
        if not known:
            return None
        return cls(float(np.mean(known)), float(np.std(known, ddof=1)) if len(known) > 1 else None, known)


@dataclass(frozen=True, slots=True)
class KScores:
    """The scores of one number of clusters.

    Attributes:
        clusters: Number of clusters K.
        trained: Number of trainings.
        failed: Why trainings failed, one line each.
        same_data: ARI of two seeds on the same subsample.
        subsamples: ARI of two seeds on overlapping subsamples, on the samples of both. A pair with a collapsed training
            has 0 here, in `same_data` and in `strength`: two clusterings with a single cluster agree trivially.
        strength: Prediction strength: of the clusters of one training by another one that has not seen the samples.
        criterion: The recipe's label-free criterion at the end.
        losses: Losses at the end.
        occupied: Number of clusters with a sample.
        used: Number of clusters with at least 1% of the samples.
        kmeans: Scores of k-means on the values that the recipe's baseline reads.
        chance: ARI of k-means of points without clusters, with the rounded mean number of used clusters.
        collapsed: Number of trainings that use fewer than two clusters.
    """

    clusters: int
    trained: int
    failed: tuple[str, ...]
    same_data: Spread | None
    subsamples: Spread | None
    strength: Spread | None
    criterion: Spread | None
    losses: Mapping[str, Spread]
    occupied: Spread | None
    used: Spread | None
    kmeans: KMeansScores
    chance: float
    collapsed: int = 0

    @property
    def excess(self) -> float | None:
        """Stability over subsamples less that of k-means of points without clusters. None without two trainings."""
        return None if self.subsamples is None else self.subsamples.mean - self.chance

    @property
    def typical(self) -> int:
        """Mean number of used clusters, rounded; `clusters` if no training succeeded."""
        return typical_number(self.used, self.clusters)


def read_results(data: BriefData, folder: Path) -> dict[BriefTraining, TrainingResult]:
    """Return the results of all trainings. Raise LatentclustError if a file is damaged."""
    count = len(data.images)
    return {task: TrainingResult.read(task_file(folder, task), count) for task in data.settings.trainings()}


def typical_number(used: Spread | None, clusters: int) -> int:
    """Return the mean number of used clusters, rounded; the number that was trained if it is unknown."""
    return round(used.mean) if used else clusters


def used_numbers(settings: Settings, results: Results) -> set[int]:
    """Return the typical number of used clusters of each number, at least 2: chance is computed for these."""
    return {
        max(
            typical_number(Spread.of(_used([found for task, found in results.items() if task.clusters == k])), k),
            FEWEST,
        )
        for k in settings.clusters
    }


def score_each(data: BriefData, folder: Path, results: Results) -> list[KScores]:
    """Return the scores of each number of clusters, ascending. Raise LatentclustError if a file is damaged."""
    last = part_of(data.settings.seeds)
    parts = {number: np.isin(data.images, data.part(number)) for number in range(1, last + 1)}
    return [
        score_number(
            clusters,
            {task: found for task, found in results.items() if task.clusters == clusters},
            parts,
            lambda number: _read_kmeans(task_file(folder, KMeansTask(number))),
        )
        for clusters in data.settings.clusters
    ]


def score_number(
    clusters: int, results: Results, parts: Mapping[int, Chosen], kmeans: Callable[[int], KMeansScores]
) -> KScores:
    """Return the scores of a number of clusters.

    Args:
        clusters: Number of clusters.
        results: Results of its trainings.
        parts: Whether each compared sample belongs to a subsample, `(n,)`, by the number of the subsample.
        kmeans: Returns the scores of k-means with a number of clusters.
    """
    good = {task: found for task, found in results.items() if not found.failed}
    pairs = list(itertools.combinations(good, 2))
    apart = [(one, other) for one, other in pairs if one.part != other.part]
    sizes = [np.bincount(found.labels, minlength=clusters) for found in good.values()]
    used = dict(zip(good, _used(list(good.values())), strict=True))
    spread = Spread.of(list(used.values()))

    def compare(
        measure: Callable[[Labels, Labels], float], trainings: Sequence[Pair], seen: bool = True
    ) -> list[float]:
        """Measure pairs on samples that the first has seen, and the second has `seen` or not."""
        chosen = [(one, other, parts[one.part] & (parts[other.part] == seen)) for one, other in trainings]
        return [
            measure(good[one].labels[at], good[other].labels[at]) if min(used[one], used[other]) >= FEWEST else 0.0
            for one, other, at in chosen
            if at.any()
        ]

    return KScores(
        clusters=clusters,
        trained=len(results),
        failed=tuple(found.failed for found in results.values() if found.failed),
        same_data=Spread.of(compare(_ari, [pair for pair in pairs if pair not in apart])),
        subsamples=Spread.of(compare(_ari, apart)),
        strength=Spread.of(compare(prediction_strength, [*apart, *((other, one) for one, other in apart)], seen=False)),
        criterion=Spread.of([found.criterion for found in good.values() if found.criterion is not None]),
        losses=_losses(list(good.values())),
        occupied=Spread.of([float((size > 0).sum()) for size in sizes]),
        used=spread,
        kmeans=kmeans(clusters),
        chance=kmeans(max(typical_number(spread, clusters), FEWEST)).chance,
        collapsed=sum(count < FEWEST for count in used.values()),
    )


def _used(results: Sequence[TrainingResult]) -> list[float]:
    """Return the number of used clusters of each training that did not fail."""
    sizes = [np.bincount(found.labels) for found in results if not found.failed]
    return [float((size >= SMALL_SHARE * size.sum()).sum()) for size in sizes]


def _losses(results: Sequence[TrainingResult]) -> dict[str, Spread]:
    names = dict.fromkeys(name for found in results for name in found.losses)
    spreads = {name: Spread.of([found.losses[name] for found in results if name in found.losses]) for name in names}
    return {name: spread for name, spread in spreads.items() if spread is not None}


def _ari(one: Labels, other: Labels) -> float:
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(one, other))


def _read_kmeans(path: Path) -> KMeansScores:
    try:
        return KMeansScores(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError) as error:
        what = f"is not a result of k-means ({first_problem(error)})"
        raise LatentclustError.at(str(path), what, "Delete it; it is then computed again") from error
