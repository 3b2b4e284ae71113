"""Points of a baseline are reduced as it asks, and its noise is one more cluster."""

from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from latentclust.api import NOISE, BaselineSpec
from latentclust.runs.baseline_clusters import cluster_points, reduced

Points = NDArray[np.float32]


class Given(BaselineSpec):
    """A baseline that returns the rounded first coordinate as the cluster."""

    def cluster(self, points: Points, clusters: int, seed: int) -> NDArray[np.int64]:
        return points[:, 0].round().astype(np.int64)


class Free(Given):
    """The same as one that finds the number of clusters."""

    finds_clusters: ClassVar[bool] = True


@pytest.fixture
def ellipse() -> Points:
    """Points of standard deviations 4, 2 and 1 along rotated axes around (5, 5, 5, 5), without extent in the fourth."""
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    return (rng.normal(size=(2000, 4)) * [4, 2, 1, 0] @ axes.T + 5).astype(np.float32)


def test_without_options_the_points_are_themselves(ellipse: Points) -> None:
    assert reduced(ellipse, None, False, 0) is ellipse


def test_components_have_the_largest_variances_in_order(ellipse: Points) -> None:
    found = reduced(ellipse, 2, False, 0)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.std(axis=0), [4, 2], rtol=0.05)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-3)


def test_distances_remain_if_all_components_are_kept(ellipse: Points) -> None:
    found = reduced(ellipse, 100, False, 0)
    between = [np.linalg.norm(points[0] - points[1:9], axis=1) for points in (ellipse, found)]
    np.testing.assert_allclose(between[0], between[1], rtol=1e-4)


def test_white_components_are_uncorrelated_with_variance_one_and_those_without_variance_are_left_out(
    ellipse: Points,
) -> None:
    given = ellipse.copy()
    found = reduced(ellipse, None, True, 0)
    assert found.shape == (2000, 3)
    np.testing.assert_allclose(np.cov(found.T), np.eye(3), atol=1e-3)
    np.testing.assert_array_equal(ellipse, given)


def test_noise_is_the_last_cluster_and_is_counted() -> None:
    points = np.array([[0], [1], [NOISE], [1]], dtype=np.float32)
    found = cluster_points(Free(), points, 5, seed=0)
    assert found.labels.tolist() == [0, 1, 2, 1]
    assert (found.clusters, found.facts) == (3, {"clusters-found": 2.0, "noise": 0.25})


def test_points_of_noise_alone_are_one_cluster() -> None:
    found = cluster_points(Free(), np.full((3, 1), NOISE, dtype=np.float32), 5, seed=0)
    assert (found.labels.tolist(), found.clusters) == ([0, 0, 0], 1)


def test_a_given_number_of_clusters_stays_even_if_some_are_empty() -> None:
    found = cluster_points(Given(), np.zeros((3, 1), dtype=np.float32), 5, seed=0)
    assert (found.clusters, found.facts) == (5, {})


def test_a_baseline_receives_its_components(ellipse: Points) -> None:
    seen: list[tuple[int, ...]] = []

    class Shape(Given):
        def cluster(self, points: Points, clusters: int, seed: int) -> NDArray[np.int64]:
            seen.append(points.shape)
            return super().cluster(np.zeros_like(points), clusters, seed)

    cluster_points(Shape(pca=2), ellipse, 3, seed=0)
    assert seen == [(2000, 2)]
