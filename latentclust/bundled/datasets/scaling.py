"""The mapping of measured values to what networks read, refusing what the stated range does not hold."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.api import LatentclustError

_UINT8_MAX = 255


def to_unit(values: NDArray[Any], low: float, high: float, where: str) -> NDArray[np.float32]:
    """Values from `low` to `high` as float32 from 0 to 1; raises LatentclustError where one lies outside or is NaN."""
    outside = ~((values >= low) & (values <= high))
    count = int(np.count_nonzero(outside))
    if count:
        place = tuple(int(axis) for axis in np.argwhere(outside)[0])
        what = f"{count} values are not within {low:g} to {high:g}, the first {values[place]} at {place}"
        fix = "Set data.range to the least and the greatest value, and drop samples with NaN; indices count from 0"
        raise LatentclustError.at(where, what, fix)
    return ((values.astype(np.float64) - low) / (high - low)).astype(np.float32)


def to_uint8(values: NDArray[Any], low: float, high: float, where: str) -> NDArray[np.uint8]:
    """Values from `low` to `high` as whole numbers from 0 to 255, rounded; raises as `to_unit` does."""
    if values.dtype == np.uint8 and (low, high) == (0, _UINT8_MAX):
        return values
    return np.rint(to_unit(values, low, high, where) * _UINT8_MAX).astype(np.uint8)
