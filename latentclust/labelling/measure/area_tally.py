"""Pixels and areas of each value of a raster, added up in bounded memory."""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from latentclust.labelling.vector.ground_area import GroundArea

CHUNK_PIXELS = 1 << 20
"""Number of pixels, or else one row, that are added at a time."""


@final
class AreaTally:
    """The number of pixels and the area of each value of a raster.

    Attributes:
        counts: Number of pixels of each value `(n,)`.
        areas: Area of each value in square metres `(n,)`; NaN if areas are unknown.
    """

    def __init__(self, values: int, ground: GroundArea) -> None:
        """Start at 0 for the values 0 to `values` - 1 of a raster with a position on the ground."""
        self._ground = ground
        self.counts = np.zeros(values, np.int64)
        self.areas = np.zeros(values, np.float64)

    def add(self, values: NDArray[Any], top: int, left: int = 0) -> None:
        """Add a rectangle of values `(h, w)` that starts at row `top` and column `left` of the raster."""
        height, width = values.shape
        step = max(1, CHUNK_PIXELS // width)
        for start in range(0, height, step):
            part = values[start : start + step]
            weights = self._ground.pixel_areas(top + start, left, part.shape)
            counts = np.bincount(part.ravel(), minlength=len(self.counts))
            self.counts += counts
            if weights.size == 1:
                self.areas += counts * weights.item()
            else:
                each = np.broadcast_to(weights, part.shape).ravel()
                self.areas += np.bincount(part.ravel(), each, minlength=len(self.counts))
