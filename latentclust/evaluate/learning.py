"""Signs, without labels, that a network has not learned yet: values at chance, and losses that still fall."""

from collections.abc import Sequence
from math import log, sqrt

import numpy as np

NEAR = 0.05
"""Share of the range of a value within which it counts as equal to its value at chance, or as unchanged."""


def is_confidence_at_chance(confidence: float, clusters: int) -> bool:
    """Return whether the mean probability of the chosen clusters is near 1/K, its smallest value."""
    return confidence - 1 / clusters < NEAR * (1 - 1 / clusters)


def is_loss_at_chance(value: float, chance: float, clusters: int) -> bool:
    """Return whether a loss is above its value at chance, or near it."""
    return value > chance - NEAR * (abs(chance) or log(clusters))


def still_falls(values: Sequence[float]) -> bool:
    """Return whether the last quarter of a logged loss lies below the quarter before it.

    The difference must exceed `NEAR` of the range of the values, and twice its standard error.
    """
    quarter = max(len(values) // 4, 1)
    if len(values) < 2 * quarter:
        return False
    last, before = np.array(values[-quarter:]), np.array(values[-2 * quarter : -quarter])
    error = sqrt((last.var() + before.var()) / quarter)
    return bool(before.mean() - last.mean() > max(NEAR * float(np.ptp(values)), 2 * error))
