"""Metrics against scikit-learn on label vectors, against every matching, and at their limits."""

from itertools import permutations

import numpy as np
import pytest
from sklearn import metrics as reference
from sklearn.metrics.cluster import contingency_matrix

from latentclust.api import MetricSpec
from latentclust.bundled.metrics import (
    Accuracy,
    AdjustedRandIndex,
    Completeness,
    Homogeneity,
    MacroAccuracy,
    MeanIntersectionOverUnion,
    NormalizedMutualInformation,
    Purity,
)

EVERY = [
    Accuracy(),
    MacroAccuracy(),
    MeanIntersectionOverUnion(),
    Purity(),
    AdjustedRandIndex(),
    Homogeneity(),
    Completeness(),
    *(NormalizedMutualInformation(average=mean) for mean in ("arithmetic", "geometric", "min", "max")),
]
SHAPES = [(4, 4), (6, 3), (3, 6), (2, 5), (1, 3), (3, 1)]


def labels_and_table(shape: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Correlated clusters and classes, and their table."""
    rng = np.random.default_rng(seed)
    classes = np.concatenate((np.arange(shape[1]), rng.integers(0, shape[1], 200)))
    noise = rng.integers(0, shape[0], len(classes))
    found = np.where(rng.random(len(classes)) < 0.6, classes % shape[0], noise)
    found[: shape[0]] = np.arange(shape[0])
    return found, classes, contingency_matrix(classes, found).T.astype(np.int64)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_information_and_pairs_agree_with_scikit_learn(shape: tuple[int, int], seed: int) -> None:
    found, classes, table = labels_and_table(shape, seed)
    assert table.shape == shape
    assert AdjustedRandIndex()(table) == pytest.approx(reference.adjusted_rand_score(classes, found), abs=1e-12)
    assert Homogeneity()(table) == pytest.approx(reference.homogeneity_score(classes, found), abs=1e-12)
    assert Completeness()(table) == pytest.approx(reference.completeness_score(classes, found), abs=1e-12)
    for mean in ("arithmetic", "geometric", "min", "max"):
        expected = reference.normalized_mutual_info_score(classes, found, average_method=mean)
        assert NormalizedMutualInformation(average=mean)(table) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_accuracy_is_the_best_over_every_naming_of_clusters(shape: tuple[int, int], seed: int) -> None:
    found, classes, table = labels_and_table(shape, seed)
    names = [*range(shape[1]), *[-1] * max(shape[0] - shape[1], 0)]
    namings = (np.array(naming) for naming in set(permutations(names, shape[0])))
    best = max(np.mean(naming[found] == classes) for naming in namings)
    assert Accuracy()(table) == pytest.approx(best)


def test_purity_lets_clusters_share_a_class_and_accuracy_does_not() -> None:
    table = np.array([[5, 0], [4, 0], [0, 3]])
    assert Purity()(table) == 1.0
    assert Accuracy()(table) == pytest.approx(8 / 12)


def test_macro_accuracy_by_hand() -> None:
    table = np.array([[90, 1, 0], [10, 1, 0]])
    assert Accuracy()(table) == pytest.approx(91 / 102)
    assert MacroAccuracy()(table) == pytest.approx((0.9 + 0.5) / 2)


@pytest.mark.parametrize("metric", EVERY, ids=repr)
def test_the_names_of_clusters_and_classes_are_of_no_concern(metric: MetricSpec) -> None:
    table = labels_and_table((5, 4), 7)[2]
    shuffled = table[[3, 1, 4, 0, 2]][:, [2, 0, 3, 1]]
    assert metric(shuffled) == pytest.approx(metric(table), abs=1e-12)


@pytest.mark.parametrize("metric", EVERY, ids=repr)
def test_an_empty_cluster_changes_nothing(metric: MetricSpec) -> None:
    table = labels_and_table((4, 4), 7)[2]
    assert metric(np.vstack((table, np.zeros((1, 4), dtype=np.int64)))) == pytest.approx(metric(table), abs=1e-12)


@pytest.mark.parametrize("metric", EVERY, ids=repr)
def test_equal_partitions_score_one(metric: MetricSpec) -> None:
    assert metric(np.array([[0, 7, 0], [2, 0, 0], [0, 0, 5]])) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("metric", EVERY, ids=repr)
def test_one_cluster_on_one_class_scores_exactly_one(metric: MetricSpec) -> None:
    assert metric(np.array([[12]])) == 1.0


@pytest.mark.parametrize("table", [np.array([[4, 4], [4, 4]]), np.array([[3, 5, 7]]), np.array([[3], [5], [7]])])
def test_independence_scores_exactly_zero(table: np.ndarray) -> None:
    for mean in ("arithmetic", "geometric", "min", "max"):
        assert NormalizedMutualInformation(average=mean)(table) == 0.0
    assert Homogeneity()(table) == (1.0 if table.shape[1] == 1 else 0.0)
    assert Completeness()(table) == (1.0 if table.shape[0] == 1 else 0.0)


def test_pairs_beyond_64_bits_are_counted() -> None:
    share_together, share_in_a_cluster = (9 + 1 + 1 + 9) / 64, 1 / 2
    limit = (share_together - share_in_a_cluster**2) / (share_in_a_cluster - share_in_a_cluster**2)
    assert AdjustedRandIndex()(np.array([[3, 1], [1, 3]]) * 4_000_000_000) == pytest.approx(limit, abs=1e-9)


def test_mean_intersection_over_union_by_hand() -> None:
    # Matched: 0 with 0 (8 of 8 + 2 + 3), 1 with 1 (6 of 6 + 3 + 1); cluster 2 is left over, and class 2 has no samples.
    table = np.array([[8, 2, 0], [1, 6, 0], [2, 1, 0]])
    assert MeanIntersectionOverUnion()(table) == pytest.approx((8 / 13 + 6 / 10) / 2)


def test_a_class_without_a_cluster_has_no_intersection() -> None:
    assert MeanIntersectionOverUnion()(np.array([[4, 1, 0], [0, 5, 2]])) == pytest.approx((4 / 5 + 5 / 8 + 0) / 3)
