"""Probabilities of overlapping windows summed in a strip as high as a window, and read out row by row."""

from typing import final

import numpy as np
from numpy.typing import NDArray

from latentclust.labelling.windows import Span

NO_DATA = 0
"""What pixels without a label hold, in label and confidence rasters; clusters count from 1."""

BYTE_CLUSTERS = 255
"""The most clusters that a byte numbers beside `NO_DATA`."""

CONFIDENCE_STEPS = 254
"""Confidence runs from 1, chance, to 255, certainty."""


def label_type(clusters: int) -> np.dtype[np.unsignedinteger]:
    """The type of a label raster."""
    return np.dtype(np.uint8) if clusters <= BYTE_CLUSTERS else np.dtype(np.uint16)


@final
class Strip:
    """The rows of a scene that windows are being added to; windows come in the order of the grid, top to bottom."""

    def __init__(self, rows: list[Span], clusters: int, width: int) -> None:
        """A strip of the grid's rows, 4 (K + 1) bytes a pixel, as high as a window."""
        height = max(span.last - span.first for span in rows)
        self.rows, self.clusters = rows, clusters
        self._sums = np.zeros((clusters, height, width), np.float32)
        self._weights = np.zeros((height, width), np.float32)
        self._touched = False

    def add(self, row: int, column: Span, probabilities: NDArray[np.float32], valid: NDArray[np.bool_]) -> None:
        """Adds the kept part of a window in the given row of the grid; pixels that are no data count nothing.

        Args:
            row: Of the grid; all rows before it are finished.
            column: Of the window.
            probabilities: `(k, h, w)`, of the whole window.
            valid: `(h, w)`.
        """
        span = self.rows[row]
        inside = (span.kept, column.kept)
        weights = span.weights[:, np.newaxis] * column.weights * valid[inside]
        place = (slice(0, span.last - span.first), slice(column.first, column.last))
        self._sums[:, *place] += probabilities[:, *inside] * weights
        self._weights[place] += weights
        self._touched = True

    def finish(self, row: int) -> tuple[NDArray[np.unsignedinteger], NDArray[np.uint8]]:
        """The pixels that no later row of the grid adds to, `(n, width)`: cluster from 1 or 0, and confidence."""
        count = self._finished(row)
        kind = label_type(self.clusters)
        if not self._touched:
            width = self._weights.shape[1]
            return np.zeros((count, width), kind), np.zeros((count, width), np.uint8)
        sums, weights = self._sums[:, :count], self._weights[:count]
        known = weights > 0
        labels = np.where(known, sums.argmax(axis=0) + 1, NO_DATA).astype(kind)
        best = np.divide(sums.max(axis=0), weights, out=np.zeros_like(weights), where=known)
        confidence = np.where(known, confidence_bytes(best, self.clusters), NO_DATA).astype(np.uint8)
        self._shift(count)
        return labels, confidence

    def _finished(self, row: int) -> int:
        after = self.rows[row + 1].first if row + 1 < len(self.rows) else self.rows[row].last
        return after - self.rows[row].first

    def _shift(self, count: int) -> None:
        """Moves the rows that are not finished to the top."""
        for buffer in (self._weights, *self._sums):
            rest = len(buffer) - count
            buffer[:rest] = buffer[count:].copy()
            buffer[rest:] = 0
        self._touched = bool(self._weights.any())


def confidence_bytes(probability: NDArray[np.float32], clusters: int) -> NDArray[np.uint8]:
    """The probability of the chosen cluster, 1/K to 1, as 1 to 255."""
    chance = 1 / clusters
    share = (probability - chance) / (1 - chance) if clusters > 1 else np.ones_like(probability)
    scaled: NDArray[np.uint8] = (1 + np.rint(CONFIDENCE_STEPS * np.clip(share, 0, 1))).astype(np.uint8)
    return scaled
