"""Baselines find planted clusters, repeat themselves, refuse what they cannot do, and stay silent."""

import logging

import numpy as np
import pytest

from latentclust.api import NOISE, BaselineSpec, LatentclustError
from latentclust.bundled.baselines import (
    Agglomerative,
    GaussianMixtureBaseline,
    KMeans,
    MiniBatchKMeans,
    NonNegativeFactorization,
    Spectral,
)
from latentclust.bundled.hdbscan import Hdbscan
from latentclust.bundled.metrics import AdjustedRandIndex
from latentclust.bundled.spherical_kmeans import SphericalKMeans
from latentclust.evaluate.contingency import contingency
from latentclust.specs.data import SealedLabels

EVERY: list[BaselineSpec] = [
    KMeans(),
    MiniBatchKMeans(),
    NonNegativeFactorization(),
    Spectral(),
    Spectral(affinity="nearest_neighbors"),
    Agglomerative(),
    GaussianMixtureBaseline(),
    GaussianMixtureBaseline(covariance="diag", max_samples=80),
    SphericalKMeans(),
    Hdbscan(),
    Hdbscan(max_samples=80),
]


@pytest.fixture(scope="module")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    """Four non-negative blobs, each along an axis of its own, far apart for their width."""
    rng = np.random.default_rng(0)
    classes = np.repeat(np.arange(4), 40)
    points = np.eye(4, 8)[classes] + rng.uniform(0, 0.15, (160, 8))
    return points.astype(np.float32), classes


@pytest.mark.parametrize("baseline", EVERY, ids=repr)
def test_planted_blobs_are_recovered(baseline: BaselineSpec, blobs: tuple[np.ndarray, np.ndarray]) -> None:
    points, classes = blobs
    found = baseline.cluster(points, 4, seed=1)
    assert found.dtype == np.int64
    assert AdjustedRandIndex()(contingency(found, SealedLabels(classes), 4)) == 1.0


@pytest.mark.parametrize("baseline", EVERY, ids=repr)
def test_a_seed_repeats_its_labels(baseline: BaselineSpec) -> None:
    points = np.random.default_rng(3).random((120, 5)).astype(np.float32)
    np.testing.assert_array_equal(baseline.cluster(points, 3, seed=5), baseline.cluster(points, 3, seed=5))


@pytest.mark.parametrize("baseline", [Spectral(max_samples=10), Agglomerative(max_samples=10)], ids=repr)
def test_all_pairs_methods_refuse_many_samples(baseline: BaselineSpec) -> None:
    with pytest.raises(
        LatentclustError, match=r"11 samples, above max_samples = 10 .* use = \"\w+\", max_samples = 11"
    ):
        baseline.cluster(np.zeros((11, 2), dtype=np.float32), 2, seed=0)


def test_spherical_kmeans_compares_directions_and_not_lengths() -> None:
    rng = np.random.default_rng(1)
    classes = np.repeat(np.arange(3), 30)
    lengths = rng.uniform(0.1, 20, (90, 1))
    points = (lengths * (np.eye(3)[classes] + rng.uniform(0, 0.2, (90, 3)))).astype(np.float32)
    found = SphericalKMeans().cluster(points, 3, seed=0)
    assert AdjustedRandIndex()(contingency(found, SealedLabels(classes), 3)) == 1.0


@pytest.mark.parametrize("seed", range(3))
def test_each_point_is_with_the_mean_direction_that_it_is_nearest_to(seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(200, 3)).astype(np.float32)
    found = SphericalKMeans(n_init=1).cluster(points, 4, seed=seed)
    units = points / np.linalg.norm(points, axis=1, keepdims=True)
    means = np.stack([units[found == cluster].sum(axis=0) for cluster in range(4)])
    cosines = units @ (means / np.linalg.norm(means, axis=1, keepdims=True)).T
    np.testing.assert_array_equal(cosines.argmax(axis=1), found)


def test_more_starts_of_spherical_kmeans_are_never_worse() -> None:
    points = np.random.default_rng(2).normal(size=(100, 2)).astype(np.float32)
    units = points / np.linalg.norm(points, axis=1, keepdims=True)

    def total(labels: np.ndarray) -> float:
        return sum(np.linalg.norm(units[labels == cluster].sum(axis=0)) for cluster in range(6))

    totals = [total(SphericalKMeans(n_init=count).cluster(points, 6, seed=3)) for count in (1, 5, 20)]
    assert totals == sorted(totals)


def test_spherical_kmeans_uses_every_cluster_and_accepts_points_at_the_origin() -> None:
    points = np.array([[0, 0], [1, 0], [1, 0.01], [0, 1], [-1, 0]], dtype=np.float32)
    found = SphericalKMeans().cluster(points, 4, seed=0)
    assert len(set(found.tolist())) == 4
    assert not np.any(points[0])


def test_hdbscan_finds_the_number_of_clusters_and_noise(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    points, _ = blobs
    far = np.concatenate((points, 9 * np.eye(8, dtype=np.float32)[4:5]))
    found = Hdbscan().cluster(far, 2, seed=0)
    assert found[-1] == NOISE
    assert set(found[:-1].tolist()) == {0, 1, 2, 3}


def test_a_point_that_hdbscan_is_not_fitted_to_has_the_label_of_the_nearest_that_it_is(
    blobs: tuple[np.ndarray, np.ndarray],
) -> None:
    points, classes = blobs
    found = Hdbscan(max_samples=60).cluster(points, 4, seed=1)
    assert AdjustedRandIndex()(contingency(found, SealedLabels(classes), 4)) == 1.0


def test_nmf_refuses_negative_points() -> None:
    points = np.array([[0.5, 1.0], [-0.25, 1.0]], dtype=np.float32)
    with pytest.raises(LatentclustError, match=r"smallest value is -0\.25"):
        NonNegativeFactorization().cluster(points, 2, seed=0)


def test_nmf_refuses_more_clusters_than_dimensions() -> None:
    with pytest.raises(LatentclustError, match="at most 2 clusters"):
        NonNegativeFactorization().cluster(np.ones((9, 2), dtype=np.float32), 3, seed=0)


def test_unfinished_fits_speak_to_the_log_alone(
    blobs: tuple[np.ndarray, np.ndarray], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    GaussianMixtureBaseline(max_iter=1, n_init=1).cluster(
        np.random.default_rng(0).random((90, 4)).astype(np.float32), 4, seed=0
    )
    assert "did not converge" in caplog.text
    assert capfd.readouterr() == ("", "")
