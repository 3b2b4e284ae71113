"""Profiles of vectors as small pictures."""

import numpy as np
import pytest

from latentclust.report.page.profile_pictures import HEIGHT, MARGIN, WIDTH, profile_pictures


def heights(vector: list[float], low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """The highest dark pixel of each column, 0 at the bottom and 1 at the top."""
    picture = profile_pictures(np.array([vector], dtype=np.float32), low, high)[0]
    assert picture.shape == (HEIGHT, WIDTH, 3)
    top = (picture < 255).any(axis=2).argmax(axis=0)
    return 1 - (top - MARGIN) / (HEIGHT - 2 * MARGIN - 2)


def test_a_profile_rises_with_its_values() -> None:
    found = heights([0, 1])
    assert (found[0], found[-1]) == pytest.approx((0, 1))
    assert (np.diff(found) >= 0).all()


def test_values_outside_the_scale_and_not_finite_stay_inside() -> None:
    assert heights([9, 9]) == pytest.approx(np.ones(WIDTH))
    assert heights([-9, np.nan]) == pytest.approx(np.zeros(WIDTH))


def test_many_features_are_averaged() -> None:
    found = heights([0.5] * 1000)
    assert found == pytest.approx(np.full(WIDTH, 0.5), abs=0.02)


def test_a_single_feature_and_a_constant_scale_can_be_drawn() -> None:
    assert heights([1]).std() == 0
    assert heights([3, 3], 3.0, 3.0).std() == 0
