"""Label maps counted in chunks, against scikit-learn and against counting by hand."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from latentclust.bundled import metrics
from latentclust.errors import LatentclustError
from latentclust.evaluate.clustering import class_scores
from latentclust.evaluate.match import hungarian
from latentclust.evaluate.segmentation import (
    ContingencyCounter,
    accumulate,
    joint_counts,
    majority_table,
    maps_for_figures,
)
from latentclust.specs.data import VOID, MapSource, SealedMaps
from latentclust.specs.evaluation import MetricSpec

K, CLASSES = 9, 7
ABSENT = 4


class Maps(MapSource):
    def __init__(self, maps: NDArray[np.integer]) -> None:
        self.maps = maps.astype(np.int16)

    def __len__(self) -> int:
        return len(self.maps)

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.int16]:
        return self.maps[indices]


def sealed(maps: NDArray[np.integer] | list) -> SealedMaps:
    return SealedMaps(Maps(np.asarray(maps)))


@pytest.fixture(scope="module")
def million() -> tuple[NDArray[np.int64], NDArray[np.int16]]:
    """16 maps, 10^6 pixels: two clusters more than classes, one class absent, a tenth without ground truth."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, CLASSES - 1, (16, 250, 250))
    truth[truth >= ABSENT] += 1
    predicted = np.where(rng.random(truth.shape) < 0.5, (truth + 3) % K, rng.integers(0, K, truth.shape))
    predicted[:2] = VOID  # two images are no data
    truth[rng.random(truth.shape) < 0.1] = VOID
    return predicted, truth.astype(np.int16)


def counted(predicted: NDArray[np.int64], truth: NDArray[np.int16], chunk: int = 3) -> ContingencyCounter:
    tally = ContingencyCounter(K, sealed(truth), CLASSES)
    for start in range(0, len(predicted), chunk):
        indices = np.arange(start, min(start + chunk, len(predicted)))
        tally.add(predicted[indices], indices)
    return tally


def flat(predicted: NDArray[np.int64], truth: NDArray[np.int16]) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
    known = (truth != VOID) & (predicted != VOID)
    return predicted[known], truth[known]


def test_the_table_equals_that_of_scikit_learn_for_any_chunks(million: tuple[NDArray, NDArray]) -> None:
    clusters, classes = flat(*million)
    expected = np.zeros((K, CLASSES), np.int64)
    np.add.at(expected, (clusters, classes), 1)
    for chunk in (1, 3, 16):
        table = counted(*million, chunk).table
        assert table is not None
        assert table.dtype == np.int64
        np.testing.assert_array_equal(table, expected)
    pairs = sklearn_metrics.cluster.contingency_matrix(clusters, classes)
    np.testing.assert_array_equal(np.delete(expected, ABSENT, axis=1), pairs)


def test_every_metric_is_scikit_learns_on_a_million_pixels(million: tuple[NDArray, NDArray]) -> None:
    clusters, classes = flat(*million)
    table = counted(*million).table
    assert table is not None
    matching = hungarian(table)
    named = np.where(matching[clusters] == -1, CLASSES, matching[clusters])  # a class that there is not
    present = [label for label in range(CLASSES) if label != ABSENT]
    recall = sklearn_metrics.recall_score(classes, named, labels=present, average=None, zero_division=0)
    iou = sklearn_metrics.jaccard_score(classes, named, labels=present, average=None, zero_division=0)
    expected: Mapping[MetricSpec, float] = {
        metrics.Accuracy(): sklearn_metrics.accuracy_score(classes, named),
        metrics.MacroAccuracy(): recall.mean(),
        metrics.MeanIntersectionOverUnion(): iou.mean(),
        metrics.NormalizedMutualInformation(): sklearn_metrics.normalized_mutual_info_score(classes, clusters),
        metrics.AdjustedRandIndex(): sklearn_metrics.adjusted_rand_score(classes, clusters),
        metrics.Homogeneity(): sklearn_metrics.homogeneity_score(classes, clusters),
        metrics.Completeness(): sklearn_metrics.completeness_score(classes, clusters),
    }
    for metric, value in expected.items():
        assert metric(table) == pytest.approx(value, abs=1e-12), metric
    scores = class_scores(table, matching)
    np.testing.assert_allclose(scores.iou[present], iou, atol=1e-12)
    np.testing.assert_allclose(scores.recall[present], recall, atol=1e-12)
    assert np.isnan([scores.iou[ABSENT], scores.recall[ABSENT]]).all()


def test_pixels_without_a_label_count_in_the_occupancy_alone(million: tuple[NDArray, NDArray]) -> None:
    predicted, truth = million
    tally = counted(predicted, truth)
    assert tally.table is not None
    assert tally.occupancy.sum() == (predicted != VOID).sum() == 14 * 250 * 250
    assert tally.table.sum() == ((predicted != VOID) & (truth != VOID)).sum()
    np.testing.assert_array_equal(tally.occupancy, np.bincount(predicted[predicted != VOID], minlength=K))


def test_counts_by_hand() -> None:
    maps = sealed([[[0, 1], [VOID, 1]], [[1, 1], [0, 0]]])
    table = np.zeros((3, 2), np.int64)
    accumulate(table, np.array([[[2, 0], [0, VOID]]]), maps, np.array([0]))
    assert table.tolist() == [[0, 1], [0, 0], [1, 0]]
    accumulate(table, np.array([[[1, 1], [1, 1]]]), maps, np.array([1]))
    assert table.tolist() == [[0, 1], [2, 2], [1, 0]]
    assert maps_for_figures(maps, np.array([1]))[0].tolist() == [[1, 1], [0, 0]]


def test_unknown_classes_bring_their_columns() -> None:
    tally = ContingencyCounter(2, sealed([[[0, 0]], [[3, VOID]]]))
    for index in (0, 1):
        tally.add(np.array([[[0, 1]]]), np.array([index]))
    assert tally.table is not None
    assert tally.table.tolist() == [[1, 0, 0, 1], [1, 0, 0, 0]]


@pytest.mark.parametrize(
    ("predicted", "truth", "said"),
    [
        ([[[0, 3]]], [[[0, 0]]], "3 is outside"),
        ([[[0, -2]]], [[[0, 0]]], "-2 is outside"),
        ([[[0, 0]]], [[[0, 2]]], "2 is outside"),
        ([[[0, 0]]], [[[0, -3]]], "-3 is outside"),
        ([[[0, 0, 0]]], [[[0, 0]]], r"shape \(1, 1, 2\) for predictions of shape \(1, 1, 3\)"),
    ],
)
def test_what_does_not_fit_is_named(predicted: list, truth: list, said: str) -> None:
    with pytest.raises(LatentclustError, match=said):
        ContingencyCounter(3, sealed(truth), 2).add(np.array(predicted), np.array([0]))


def test_without_ground_truth_there_is_no_score() -> None:
    for tally in (ContingencyCounter(2, None), ContingencyCounter(2, sealed([[[VOID, VOID]]]), 3)):
        tally.add(np.array([[[1, 1]]]), np.array([0]))
        found = tally.scores({"accuracy": metrics.Accuracy()})
        assert (found.metrics, found.table) == (None, None)
        assert found.occupancy.tolist() == [0, 2]


def test_the_majoritys_floor_is_the_largest_class() -> None:
    table = majority_table(np.array([[3, 5, 0], [1, 1, 0]]))
    assert table.tolist() == [[4, 6, 0]]
    assert metrics.Accuracy()(table) == pytest.approx(0.6)
    assert metrics.MacroAccuracy()(table) == pytest.approx(1 / 2)  # of the two classes that there are
    assert metrics.MeanIntersectionOverUnion()(table) == pytest.approx(0.6 / 2)


def test_a_cluster_left_over_enters_no_union() -> None:
    # Two clusters share class 0: the larger is matched, and the other's 4 pixels are only missed.
    table = np.array([[6, 0], [4, 0], [0, 10]])
    assert metrics.MeanIntersectionOverUnion()(table) == pytest.approx((6 / 10 + 1) / 2)


@pytest.mark.parametrize("kind", [np.int64, np.int16, np.int8])
def test_pairs_of_two_readings(kind: Callable[..., NDArray]) -> None:
    one, other = np.array([[0, 1, VOID, 1]], dtype=kind), np.array([[1, 1, 1, VOID]], dtype=kind)
    assert joint_counts(one, other, 2, 2).tolist() == [[0, 1], [0, 1]]
