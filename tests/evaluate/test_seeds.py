"""Mean, deviation and collapse over runs."""

import numpy as np
import pytest

from latentclust.evaluate.seeds import effective_clusters, has_collapsed, mean_and_std


def test_mean_and_sample_deviation() -> None:
    found = mean_and_std([{"accuracy": 0.8}, {"accuracy": 0.9}, {"accuracy": 1.0}])
    assert found.mean["accuracy"] == pytest.approx(0.9)
    assert found.std is not None
    assert found.std["accuracy"] == pytest.approx(0.1)


def test_one_run_has_no_deviation() -> None:
    found = mean_and_std([{"accuracy": 0.8}])
    assert found.mean == {"accuracy": 0.8}
    assert found.std is None


def test_a_metric_missing_in_a_run_is_not_averaged() -> None:
    assert mean_and_std([{"accuracy": 0.5, "nmi": 0.1}, {"accuracy": 0.7}]).mean == {"accuracy": pytest.approx(0.6)}


def test_runs_without_metrics_have_no_mean() -> None:
    assert mean_and_std([{}, {}]).mean == {}


def test_effective_clusters_of_equal_and_single_ones() -> None:
    assert effective_clusters(np.array([7, 7, 7, 0])) == pytest.approx(3)
    assert effective_clusters(np.array([0, 9])) == 1.0


@pytest.mark.parametrize(
    ("occupancy", "collapsed"),
    [
        ([10] * 10, False),
        ([10] * 6 + [0] * 4, False),
        ([10] * 4 + [0] * 6, True),
        ([991] + [1] * 9, True),
        ([5, 5], False),
        ([10, 0], True),
    ],
)
def test_a_run_collapses_when_half_of_its_clusters_are_not_at_work(occupancy: list[int], collapsed: bool) -> None:
    assert has_collapsed(np.array(occupancy)) is collapsed


def test_order_of_clusters_is_of_no_concern() -> None:
    sizes = np.array([40, 3, 2, 1, 30])
    assert effective_clusters(sizes) == pytest.approx(effective_clusters(sizes[::-1].copy()))
