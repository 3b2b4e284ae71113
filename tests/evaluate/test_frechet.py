"""The Fréchet distance of Gaussians."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from latentclust.errors import LatentclustError
from latentclust.evaluate.frechet import FeatureStatistics, feature_statistics, frechet_distance


def drawn(count: int, width: int, seed: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(count, width, generator=rng) @ torch.randn(width, width, generator=rng) + 3


def gaussian(mean: list[float], covariance: list[list[float]]) -> FeatureStatistics:
    return FeatureStatistics(9, torch.tensor(mean).double(), torch.tensor(covariance).double())


def test_the_statistics_are_the_mean_and_the_sample_covariance_whatever_the_batches() -> None:
    points = drawn(101, 4, 0)
    found = feature_statistics(points.split(17))
    assert found.count == 101
    np.testing.assert_allclose(found.mean, points.double().mean(dim=0))
    np.testing.assert_allclose(found.covariance, np.cov(points.double().numpy().T))


def test_a_large_offset_does_not_cost_digits() -> None:
    points = drawn(200, 3, 1).double()
    far = feature_statistics([points + 1e6])
    np.testing.assert_allclose(far.covariance, np.cov(points.numpy().T), rtol=1e-6)


@pytest.mark.parametrize("count", [500, 5])  # with 5 vectors the covariance of 20 features has rank 4
def test_a_set_is_at_distance_zero_from_itself(count: int) -> None:
    found = feature_statistics([drawn(count, 20, 2)])
    assert frechet_distance(found, found) == pytest.approx(0, abs=1e-6)


def test_gaussians_of_one_dimension_have_their_closed_form() -> None:
    # (m1 - m2)² + (s1 - s2)²
    assert frechet_distance(gaussian([1.0], [[4.0]]), gaussian([4.0], [[25.0]])) == pytest.approx(9 + 9)


def test_commuting_covariances_have_their_closed_form() -> None:
    one, other = gaussian([0, 0], [[1, 0], [0, 9]]), gaussian([1, 2], [[4, 0], [0, 1]])
    assert frechet_distance(one, other) == pytest.approx(5 + (1 - 2) ** 2 + (3 - 1) ** 2)


def test_other_covariances_agree_with_the_root_of_the_product() -> None:
    one, other = feature_statistics([drawn(300, 6, 3)]), feature_statistics([drawn(300, 6, 4)])
    root = np.trace(sqrtm((one.covariance @ other.covariance).numpy())).real
    expected = float((one.mean - other.mean).square().sum() + one.covariance.trace() + other.covariance.trace())
    assert frechet_distance(one, other) == pytest.approx(expected - 2 * root)
    assert frechet_distance(other, one) == pytest.approx(frechet_distance(one, other))


def test_a_rotation_of_both_changes_nothing() -> None:
    one, other = drawn(300, 5, 5), drawn(300, 5, 6)
    turn = torch.linalg.qr(drawn(5, 5, 7)).Q
    turned = frechet_distance(feature_statistics([one @ turn]), feature_statistics([other @ turn]))
    plain = frechet_distance(feature_statistics([one]), feature_statistics([other]))
    assert turned == pytest.approx(plain, rel=1e-4)


def test_what_has_no_distance_is_refused() -> None:
    with pytest.raises(LatentclustError, match="has 1 vectors, and a covariance needs two"):
        feature_statistics([torch.zeros(1, 3)])
    with pytest.raises(LatentclustError, match="cannot compare 1 features with 2"):
        frechet_distance(gaussian([0.0], [[1.0]]), gaussian([0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]]))
