"""Scaling of measured values to the range of network inputs, with checks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.api import LatentclustError

UINT8_MAX = 255


def to_unit(values: NDArray[Any], low: float, high: float, where: str) -> NDArray[np.float32]:
    """Scale values from [`low`, `high`] to float32 in [0, 1]. Raise LatentclustError if a value is outside or NaN."""
    outside = ~((values >= low) & (values <= high))
    count = int(np.count_nonzero(outside))
    if count:
        place = tuple(int(axis) for axis in np.argwhere(outside)[0])
        what = f"{count} values are not within {low:g} to {high:g}, the first {values[place]} at {place}"
        fix = "Set data.range to the smallest and largest value, and remove samples with NaN; indices count from 0"
        raise LatentclustError.at(where, what, fix)
    return ((values.astype(np.float64) - low) / (high - low)).astype(np.float32)


def to_uint8(values: NDArray[Any], low: float, high: float, where: str) -> NDArray[np.uint8]:
    """Scale values from [`low`, `high`] to bytes in [0, 255], rounded.

    Raises:
        LatentclustError: If a value is outside the range or NaN.
    """
    if values.dtype == np.uint8 and (low, high) == (0, UINT8_MAX):
        return values
    return np.rint(to_unit(values, low, high, where) * UINT8_MAX).astype(np.uint8)
