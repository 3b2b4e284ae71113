"""Signs that a network has not learned yet."""

from math import log

import numpy as np
import pytest

from latentclust.evaluate.learning import is_confidence_at_chance, is_loss_at_chance, still_falls


@pytest.mark.parametrize(
    ("confidence", "clusters", "expected"),
    [(0.0140, 100, True), (0.01, 100, True), (0.2, 100, False), (0.34, 3, True), (0.5, 3, False)],
)
def test_a_confidence_near_one_by_k_is_at_chance(confidence: float, clusters: int, expected: bool) -> None:
    assert is_confidence_at_chance(confidence, clusters) is expected


@pytest.mark.parametrize(
    ("value", "chance", "expected"),
    [
        (1.38, 2 * log(2), True),
        (1.6, 2 * log(2), True),
        (1.2, 2 * log(2), False),
        (-0.01, 0.0, True),
        (-1.5, 0.0, False),
    ],
)
def test_a_loss_near_its_value_at_chance_is_at_chance(value: float, chance: float, expected: bool) -> None:
    assert is_loss_at_chance(value, chance, 10) is expected


def test_a_line_still_falls_and_a_constant_and_a_rise_do_not() -> None:
    assert still_falls([3.0, 2.0, 1.0])
    assert still_falls(np.linspace(5, 1, 100).tolist())
    assert not still_falls([1.0] * 100)
    assert not still_falls(np.linspace(1, 5, 100).tolist())
    assert not still_falls([1.0])
    assert not still_falls([])


def test_a_converged_loss_does_not_fall_and_noise_is_no_fall() -> None:
    rounds, rng = np.arange(200), np.random.default_rng(0)
    assert not still_falls(np.exp(-rounds / 10).tolist())
    wrong = sum(still_falls(rng.normal(size=80).tolist()) for _ in range(100))
    assert wrong <= 6, "one-sided, twice the standard error"
