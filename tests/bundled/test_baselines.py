"""Baselines find planted clusters, repeat themselves, refuse what they cannot do, and stay silent."""

import logging

import numpy as np
import pytest

from latentclust.api import BaselineSpec, LatentclustError
from latentclust.bundled.baselines import (
    Agglomerative,
    GaussianMixtureBaseline,
    KMeans,
    MiniBatchKMeans,
    NonNegativeFactorization,
    Spectral,
)
from latentclust.bundled.metrics import AdjustedRandIndex
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
    GaussianMixtureBaseline(covariance="full"),
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
