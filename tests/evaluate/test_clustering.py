"""Assessment of predicted clusters, with and without ground truth."""

import numpy as np
from numpy.typing import NDArray

from latentclust.evaluate.clustering import score_clustering, score_table
from latentclust.specs.data import SealedLabels
from latentclust.specs.evaluation import MetricSpec


class Count(MetricSpec):
    """The number of labelled samples."""

    def __call__(self, table: NDArray[np.int64]) -> float:
        return float(table.sum())


PREDICTED = np.array([0, 0, 2, 2, 2])


def test_scores_bear_the_names_that_they_were_asked_by() -> None:
    assert score_table(np.ones((2, 3), dtype=np.int64), {"a": Count(), "b": Count()}) == {"a": 6.0, "b": 6.0}


def test_all_that_the_labels_say() -> None:
    found = score_clustering(PREDICTED, SealedLabels(np.array([1, 1, 0, 0, -1])), 3, {"count": Count()}, classes=2)
    assert found.occupancy.tolist() == [2, 0, 3]
    assert found.table is not None
    assert found.table.tolist() == [[0, 2], [0, 0], [2, 0]]
    assert found.matching is not None
    assert found.matching.tolist() == [1, -1, 0]
    assert found.metrics == {"count": 4.0}


def test_nothing_is_made_up_without_labels() -> None:
    for labels in (None, SealedLabels(np.full(5, -1, dtype=np.int64))):
        found = score_clustering(PREDICTED, labels, 3, {"count": Count()})
        assert found.occupancy.tolist() == [2, 0, 3]
        assert (found.table, found.matching, found.metrics) == (None, None, None)
