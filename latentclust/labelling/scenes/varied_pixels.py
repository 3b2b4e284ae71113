"""Pixels that tell gain and offset: those of which no band has a value that many pixels repeat, as sea at 0 does."""

import numpy as np
from numpy.typing import NDArray

MIN_SHARE = 0.05
"""Smallest share of pixels with a repeated value."""

MIN_RATIO = 3.0
"""Smallest ratio of the frequency of a repeated value to that of the next smaller and the next larger value.

The most frequent value of a band of few grey levels is not a repeated value in this sense.
"""

MIN_VARIED = 100
"""Smallest number of pixels that is left. A repeated value with which fewer would be left counts as any other."""

Values = NDArray[np.float64]


def varied_pixels(*scenes: Values) -> NDArray[np.bool_]:
    """Return the pixels `(n,)` without a repeated value in any band of any scene `(c, n)`.

    In pixels of one value every gain fits, and saturated ones have lost theirs: most of a scene may be such pixels, and
    an estimate of the spread that is robust against few of them is 0.
    """
    varied = np.ones(scenes[0].shape[1], np.bool_)
    for repeated in sorted((each for scene in scenes for band in scene for each in _repeated(band)), key=np.sum):
        left = varied & ~repeated
        varied = left if left.sum() >= MIN_VARIED else varied
    return varied


def resolution(values: Values) -> float:
    """Return the smallest difference between two values, which is one grey level. 0 if they are all the same.

    It is at most the standard deviation, for bands of a few values far from each other.
    """
    levels = np.unique(values)
    return float(min(np.diff(levels).min(), values.std())) if len(levels) > 1 else 0.0


def _repeated(values: Values) -> list[NDArray[np.bool_]]:
    """Return the pixels `(n,)` of each repeated value."""
    levels, counts = np.unique(values, return_counts=True)
    around = np.concatenate([[0], counts, [0]])
    beside = np.maximum(around[:-2], around[2:])
    found = levels[(counts >= MIN_SHARE * len(values)) & (counts > MIN_RATIO * beside)]
    return [values == level for level in found]
