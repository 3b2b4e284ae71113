"""Duplicates that are planted are found, and no others."""

import numpy as np
import pytest

from latentclust.evaluate.duplicates import find_duplicates


def random_points(count: int, dimensions: int = 40) -> np.ndarray:
    return np.random.default_rng(0).random((count, dimensions)).astype(np.float32)


def test_equal_and_near_samples_are_groups() -> None:
    points = random_points(300)
    points[[7, 200, 299]] = points[3]
    points[50] = points[100] + 0.01
    found = find_duplicates(points, 0.02)
    assert [group.tolist() for group in found.groups] == [[3, 7, 200, 299], [50, 100]]
    assert found.distances == pytest.approx((0.0, 0.01), abs=1e-6)


@pytest.mark.parametrize("offset", [0.0199, 0.0201])
def test_the_threshold_is_the_root_mean_squared_difference(offset: float) -> None:
    points = random_points(50)
    signs = np.where(np.arange(40) % 2, 1, -1)
    points[1] = points[0] + offset * signs
    assert bool(find_duplicates(points, 0.02).groups) is (offset < 0.02)


def test_many_equal_samples_are_one_group() -> None:
    found = find_duplicates(np.zeros((20_000, 16), dtype=np.float32), 0.02)
    assert [len(group) for group in found.groups] == [20_000]


def test_no_pair_within_the_threshold_is_missed_in_the_projection() -> None:
    rng = np.random.default_rng(1)
    points = random_points(400)
    near = points[:100] + rng.normal(0, 0.015, (100, 40)).astype(np.float32)
    found = find_duplicates(np.concatenate([points, near]), 0.03)
    assert {tuple(group.tolist()) for group in found.groups} == {(at, 400 + at) for at in range(100)}


@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (2, 0)])
def test_too_few_values_have_no_duplicates(shape: tuple[int, int]) -> None:
    assert find_duplicates(np.zeros(shape, dtype=np.float32), 0.02).groups == ()
