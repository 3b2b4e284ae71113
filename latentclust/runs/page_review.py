"""The samples of a run that deserve a look: likely misplaced ones and likely duplicates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentclust.data.subset import spread_indices
from latentclust.evaluate.cluster_confusion import SampleClusters
from latentclust.evaluate.duplicates import Duplicates, find_duplicates
from latentclust.evaluate.match import UNMATCHED
from latentclust.model.model import ClusteringModel
from latentclust.runs.page_pictures import grey_points
from latentclust.specs.data import VOID, ImageSet

MOST_LISTED = 24
"""Maximum number of samples, or of groups of duplicates, of a list."""

MOST_IN_GROUP = 6
"""Maximum number of duplicates of a group that are shown."""

COMPARED_SIDE = 16
"""Side in pixels of the grey pictures that are compared in the search for duplicates."""

THRESHOLD = 0.02
"""Largest root mean squared difference of duplicates: of grey levels in [0, 1], or in standard deviations."""

MOST_COMPARED = 100_000
"""Maximum number of samples in the search for duplicates."""

MOST_VALUES = 2**28
"""Maximum number of values that are read in the search for duplicates."""

CERTAIN = 0.999
"""Probability above which a sample is not listed as uncertain."""

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Suspects:
    """Samples that deserve a look.

    Attributes:
        unsure: Samples with the smallest lead of their cluster over the next one, the smallest first.
        disagreeing: Samples whose cluster is matched with another class than theirs, the most confident first.
        duplicates: Groups of likely duplicates, by position in `compared`.
        compared: Samples that were searched for duplicates.
        not_finite: Number of samples that were not, because of values that are not finite.
    """

    unsure: Indices
    disagreeing: Indices
    duplicates: Duplicates
    compared: Indices
    not_finite: int

    @property
    def groups(self) -> list[Indices]:
        """The samples that are shown of each group of duplicates that is listed."""
        return [self.compared[group[:MOST_IN_GROUP]] for group in self.duplicates.groups[:MOST_LISTED]]

    @property
    def all(self) -> Indices:
        """All samples that are listed."""
        return np.concatenate([self.unsure, self.disagreeing, *self.groups])


def find_suspects(
    model: ClusteringModel,
    tested: ImageSet,
    found: SampleClusters,
    classes: Indices | None,
    matching: NDArray[np.int64] | None,
) -> Suspects:
    """Return the samples that deserve a look.

    Args:
        model: Trained model.
        tested: Data set that was scored.
        found: Clusters of its samples.
        classes: Class of each sample, or `VOID`. None for data without labels.
        matching: Class of each cluster, or `UNMATCHED`. None for data without labels.
    """
    per_sample = max(int(np.prod(tested.source.shape)), 1)
    compared = spread_indices(len(tested.source), max(min(MOST_COMPARED, MOST_VALUES // per_sample), 1))
    points = grey_points(model, tested.source, compared, COMPARED_SIDE)
    finite = np.isfinite(points).all(axis=1)
    duplicates = find_duplicates(points[finite], THRESHOLD)
    left_out = int((~finite).sum())
    return Suspects(_unsure(found), _disagreeing(found, classes, matching), duplicates, compared[finite], left_out)


def _unsure(found: SampleClusters) -> Indices:
    lead = found.confidence - found.second_probability
    order = _smallest(lead)
    return order[found.confidence[order] < CERTAIN]


def _disagreeing(found: SampleClusters, classes: Indices | None, matching: NDArray[np.int64] | None) -> Indices:
    if classes is None or matching is None:
        return np.empty(0, dtype=np.int64)
    expected = matching[found.labels]
    wrong = np.flatnonzero((classes != VOID) & (expected != UNMATCHED) & (classes != expected))
    return wrong[_smallest(-found.confidence[wrong])]


def _smallest(values: NDArray[np.floating]) -> Indices:
    """Return the positions of the smallest values in ascending order."""
    count = min(MOST_LISTED, len(values))
    part = np.argpartition(values, count - 1)[:count] if 0 < count < len(values) else np.arange(count)
    return part[np.lexsort((part, values[part]))]
