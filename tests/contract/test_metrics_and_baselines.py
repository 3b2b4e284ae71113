"""Metrics of tables, and classical clusterings."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from latentclust.registry import Part
from latentclust.specs import BaselineSpec

TABLE = np.array([[9, 1, 0], [2, 7, 3], [0, 4, 11], [1, 0, 2]])


@pytest.mark.parametrize("sizes", [[5, 3, 7], [1, 1], [4], [200, 1, 1, 30]])
def test_a_metric_of_a_perfect_clustering_is_one(metric: Part, make: Any, sizes: list[int]) -> None:
    perfect = np.diag(sizes)[np.random.default_rng(0).permutation(len(sizes))]
    assert make(metric)(perfect) == pytest.approx(1.0)


def test_a_metric_is_a_python_float_below_one_for_an_imperfect_clustering(metric: Part, make: Any) -> None:
    value = make(metric)(TABLE)
    assert type(value) is float
    assert 0 < value < 1


@pytest.mark.parametrize("seed", range(3))
def test_a_metric_does_not_see_the_numbers_of_clusters_and_classes(metric: Part, make: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shuffled = TABLE[rng.permutation(4)][:, rng.permutation(3)]
    assert make(metric)(shuffled) == pytest.approx(make(metric)(TABLE))


def test_a_metric_is_not_moved_by_a_cluster_without_samples(metric: Part, make: Any) -> None:
    padded = np.vstack([TABLE, np.zeros((2, 3), dtype=np.int64)])
    assert make(metric)(padded) == pytest.approx(make(metric)(TABLE))


def test_a_metric_leaves_its_table_as_it_was(metric: Part, make: Any) -> None:
    table = TABLE.copy()
    make(metric)(table)
    assert np.array_equal(table, TABLE)


@pytest.fixture
def points() -> NDArray[np.float32]:
    """Three groups of ten in [0, 1]^4, far from each other."""
    rng = np.random.default_rng(0)
    centres = np.eye(4)[:3]
    return (np.repeat(centres, 10, axis=0) * 0.8 + rng.uniform(0, 0.1, (30, 4))).astype(np.float32)


def test_a_baseline_labels_every_point_in_range(baseline: Part, make: Any, points: NDArray[np.float32]) -> None:
    spec: BaselineSpec = make(baseline)
    before = points.copy()
    labels = spec.cluster(points, 3, seed=0)
    assert labels.shape == (30,)
    assert labels.dtype == np.int64
    assert set(labels.tolist()) == {0, 1, 2}
    assert np.array_equal(points, before)
    assert spec.on == "pixels"


def test_a_baseline_finds_groups_that_no_one_could_miss(baseline: Part, make: Any, points: NDArray[np.float32]) -> None:
    labels = make(baseline).cluster(points, 3, seed=0).reshape(3, 10)
    assert [len(set(group)) for group in labels.tolist()] == [1, 1, 1]


def test_a_baseline_is_decided_by_its_seed_alone(baseline: Part, make: Any, points: NDArray[np.float32]) -> None:
    spec: BaselineSpec = make(baseline)
    np.random.seed(1)
    first = spec.cluster(points, 3, seed=2)
    np.random.seed(2)
    assert np.array_equal(spec.cluster(points, 3, seed=2), first)
