"""Scores without labels: known values, limits and bounds."""

import numpy as np
import pytest

from latentclust.evaluate.label_free import MAX_SILHOUETTE, agreement, draw, silhouette

TWO = np.array([0, 0, 0, 1, 1, 1])


def test_the_same_clusters_under_other_numbers_agree_fully() -> None:
    assert agreement(TWO, 1 - TWO) == {"ari": 1.0, "nmi": pytest.approx(1.0)}


def test_independent_clusters_agree_by_chance_alone() -> None:
    one, other = np.repeat([0, 1], 500), np.tile([0, 1], 500)
    assert agreement(one, other)["ari"] == pytest.approx(0, abs=0.01)
    assert agreement(one, other)["nmi"] == pytest.approx(0, abs=1e-9)


def test_a_silhouette_by_hand() -> None:
    """Each point is 1 from its neighbour, and 9.5 or 10.5 from the others: 1 - 1/a, averaged."""
    points = np.array([[0.0], [1.0], [10.0], [11.0]], dtype=np.float32)
    assert silhouette(points, np.array([0, 0, 1, 1])) == pytest.approx(1 - (1 / 10.5 + 1 / 9.5) / 2)


def test_one_cluster_and_single_points_have_no_silhouette() -> None:
    points = np.arange(6, dtype=np.float32)[:, None]
    assert silhouette(points, np.zeros(6, np.int64)) is None
    assert silhouette(points, np.arange(6)) is None


def test_a_silhouette_of_many_points_is_that_of_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr("sklearn.metrics.silhouette_score", lambda points, labels: seen.append(len(points)) or 0.5)
    points = np.zeros((3 * MAX_SILHOUETTE, 2), np.float32)
    assert silhouette(points, np.arange(len(points)) % 2) == 0.5
    assert seen == [MAX_SILHOUETTE]


def test_a_draw_is_the_same_each_time_and_bounded() -> None:
    np.testing.assert_array_equal(draw(5, 10), np.arange(5))
    np.testing.assert_array_equal(draw(1000, 10), draw(1000, 10))
    assert len(np.unique(draw(1000, 10))) == 10
