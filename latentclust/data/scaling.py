"""Scaling of measured values to the range of network inputs, with checks, a few rows at a time."""

from collections.abc import Iterator
from math import prod
from types import EllipsisType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.errors import LatentclustError

UINT8_MAX = 255

VALUES_AT_ONCE = 2**22
"""Number of values that are checked or scaled together, so that temporary copies stay small."""


def row_chunks(values: NDArray[Any]) -> Iterator[slice | EllipsisType]:
    """Yield what selects consecutive rows of an array, about `VALUES_AT_ONCE` values each."""
    if values.ndim == 0:
        yield ...
        return
    rows = max(1, VALUES_AT_ONCE // max(1, prod(values.shape[1:])))
    yield from (slice(start, start + rows) for start in range(0, len(values), rows))


def check_range(values: NDArray[Any], low: float, high: float, where: str) -> None:
    """Raise LatentclustError with the number and the first of the values that are outside [`low`, `high`] or NaN."""
    count, first = 0, ""
    for rows in row_chunks(values):
        chunk = values[rows]
        outside = ~((chunk >= low) & (chunk <= high))
        found = int(np.count_nonzero(outside))
        if found and not count:
            first = _first(chunk, outside, rows)
        count += found
    if count:
        what = f"{count} values are not within {low:g} to {high:g}, the first {first}"
        fix = "Set data.range to the smallest and largest value, and remove samples with NaN; indices count from 0"
        raise LatentclustError.at(where, what, fix)


def check_finite(values: NDArray[Any], where: str) -> None:
    """Raise LatentclustError with the number and the place of the first value that is NaN or infinite."""
    if values.dtype.kind != "f":
        return
    count, first = 0, ""
    for rows in row_chunks(values):
        chunk = values[rows]
        wrong = ~np.isfinite(chunk)
        found = int(np.count_nonzero(wrong))
        if found and not count:
            first = _first(chunk, wrong, rows)
        count += found
    if count:
        what = f"{count} values are NaN or infinite, the first {first}"
        raise LatentclustError.at(where, what, "Remove or fill these samples; indices count from 0")


def _first(chunk: NDArray[Any], chosen: NDArray[np.bool_], rows: slice | EllipsisType) -> str:
    """Return the first chosen value and its place in the whole array."""
    place = tuple(int(axis) for axis in np.argwhere(chosen)[0])
    start = rows.start if isinstance(rows, slice) else 0
    return f"{chunk[place]} at {(place[0] + start, *place[1:]) if place else place}"


def to_unit(values: NDArray[Any], low: float, high: float, where: str) -> NDArray[np.float32]:
    """Scale values from [`low`, `high`] to float32 in [0, 1]; those that are already so are returned uncopied.

    Raises:
        LatentclustError: If a value is outside the range or NaN.
    """
    check_range(values, low, high, where)
    return scaled_to_unit(values, low, high)


def scaled_to_unit(values: NDArray[Any], low: float, high: float) -> NDArray[np.float32]:
    """Scale values so that `low` becomes 0 and `high` becomes 1, without a check."""
    if values.dtype == np.float32 and (low, high) == (0, 1):
        return values
    scaled = np.empty(values.shape, np.float32)
    for rows in row_chunks(values):
        scaled[rows] = (values[rows].astype(np.float64) - low) / (high - low)
    return scaled


def to_uint8(values: NDArray[Any], low: float, high: float, where: str) -> NDArray[np.uint8]:
    """Scale values from [`low`, `high`] to bytes in [0, 255], rounded; those that are already so are returned uncopied.

    Raises:
        LatentclustError: If a value is outside the range or NaN.
    """
    if values.dtype == np.uint8 and (low, high) == (0, UINT8_MAX):
        return values
    check_range(values, low, high, where)
    return scaled_to_uint8(values, low, high)


def scaled_to_uint8(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Scale values so that `low` becomes 0 and `high` becomes 255, rounded; others become 0 or 255."""
    if values.dtype == np.uint8 and (low, high) == (0, UINT8_MAX):
        return values
    scaled = np.empty(values.shape, np.uint8)
    for rows in row_chunks(values):
        unit = scaled_to_unit(values[rows], low, high)
        scaled[rows] = np.rint(unit * UINT8_MAX).clip(0, UINT8_MAX).astype(np.uint8)
    return scaled
