"""Quantiles of the bands of rasters, and the curves that bring those of one raster to those of others."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.data.rasters import Curve

SHARES = (0.001, 0.005, 0.01, 0.02, *(step / 20 for step in range(1, 20)), 0.98, 0.99, 0.995, 0.999)
"""Shares of the pixels of a band below its quantiles."""

Quantiles = tuple[tuple[float, ...], ...]
"""Quantiles of each band, at `SHARES`."""


def band_quantiles(samples: Sequence[NDArray[Any]]) -> Quantiles:
    """Return the quantiles of pixels `(c, n)` of several rasters, each raster counting by its number of pixels."""
    bands = (np.concatenate([each[band] for each in samples]) for band in range(len(samples[0])))
    return tuple(tuple(np.quantile(band.astype(np.float64), SHARES).tolist()) for band in bands)


def matching_curve(found: Sequence[float], wanted: Sequence[float]) -> Curve:
    """Return the curve that brings quantiles of one band to those of another one.

    Beyond the outermost quantiles it continues with the mean slope between them, so that extreme values stay apart. A
    quantile that repeats has the mean of the wanted ones.
    """
    knots, at = np.unique(np.asarray(found, np.float64), return_inverse=True)
    levels = np.bincount(at, np.asarray(wanted, np.float64)) / np.bincount(at)
    span = knots[-1] - knots[0]
    slope = (levels[-1] - levels[0]) / span if span else 1.0
    beyond = span or 1.0
    knots = np.array([knots[0] - beyond, *knots, knots[-1] + beyond])
    levels = np.array([levels[0] - beyond * slope, *levels, levels[-1] + beyond * slope])
    return tuple(knots.tolist()), tuple(levels.tolist())
