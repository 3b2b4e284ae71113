"""Stitching: probabilities of overlapping windows are summed in a strip and become rows of labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, final, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float32
from numpy.typing import NDArray
from torch import Tensor

from latentclust.labelling.windows.grid import Span

NO_DATA = 0
"""Value of nodata pixels in label and confidence rasters. Clusters count from 1."""

BYTE_CLUSTERS = 255
"""Number of clusters above which labels need more than a byte."""

STEPS = 254
"""Number of steps of encoded shares, which run from 1 to 255; 0 is nodata."""


def label_type(clusters: int) -> np.dtype[np.unsignedinteger]:
    """Return the data type of a label raster."""
    return np.dtype(np.uint8) if clusters <= BYTE_CLUSTERS else np.dtype(np.uint16)


@dataclass(frozen=True, slots=True)
class PixelRows:
    """Finished pixel rows.

    Attributes:
        labels: Clusters `(n, w)`, counted from 1; 0 for nodata.
        confidence: Confidence `(n, w)`, from 1 for chance to 255 for certainty; 0 for nodata.
        probabilities: Probabilities `(n, k, w)`, from 1 for 0 to 255 for 1; 0 for nodata. None if not requested.
    """

    labels: NDArray[np.unsignedinteger]
    confidence: NDArray[np.uint8]
    probabilities: NDArray[np.uint8] | None

    def like(self, width: int) -> "PixelRows":
        """Return as many rows of another width, all nodata."""
        every = None if self.probabilities is None else _wider(self.probabilities, width)
        return PixelRows(_wider(self.labels, width), _wider(self.confidence, width), every)

    def put(self, columns: slice, part: "PixelRows") -> None:
        """Fill some columns."""
        self.labels[:, columns], self.confidence[:, columns] = part.labels, part.confidence
        if self.probabilities is not None and part.probabilities is not None:
            self.probabilities[..., columns] = part.probabilities


def _wider(array: NDArray[Any], width: int) -> NDArray[Any]:
    return np.zeros((*array.shape[:-1], width), array.dtype)


def decide_labels(sums: Float32[Tensor, "k1 n w"], probabilities: bool) -> PixelRows:
    """Convert weighted sums of probabilities to pixel rows. The last plane holds the weights; 0 is nodata."""
    weights = sums[-1]
    known = weights > 0
    shares = sums[:-1] / torch.where(known, weights, 1)
    best, label = shares.max(dim=0)
    kind = label_type(len(shares))
    numbers = ((label + 1) * known).to(torch.uint8 if kind == np.uint8 else torch.int32)
    confidence = known * encode_confidence(best, len(shares))
    every = (known * encode_share(shares)).transpose(0, 1).cpu().numpy() if probabilities else None
    return PixelRows(numbers.cpu().numpy().astype(kind, copy=False), confidence.cpu().numpy(), every)


def encode_confidence(probability: Tensor, clusters: int) -> Tensor:
    """Return the probability of the chosen cluster, 1/K to 1, as bytes from 1 to 255."""
    chance = 1 / clusters
    return encode_share((probability - chance) / (1 - chance) if clusters > 1 else torch.ones_like(probability))


def encode_share(share: Tensor) -> Tensor:
    """Return shares in [0, 1] as bytes from 1 to 255."""
    return (1 + torch.round(STEPS * share.clamp(0, 1))).to(torch.uint8)


@dataclass(frozen=True, slots=True)
class StripShape:
    """The rows and columns of a strip.

    Attributes:
        rows: Rows of the grid, in order.
        columns: First requested pixel column, and the one after the last.
        start: First pixel column that windows keep.
        head: Number of pixel rows at the top that the strip above shares; 0 for the first strip.
        tail: Number of pixel rows at the bottom that the strip below shares; 0 for the last strip.
    """

    rows: Sequence[Span]
    columns: tuple[int, int]
    start: int
    head: int
    tail: int

    @property
    def width(self) -> int:
        """Number of requested pixel columns."""
        return self.columns[1] - self.columns[0]

    def finished(self, row: int) -> int:
        """Return the number of leading pixel rows of a row of windows that the next row of windows does not overlap."""
        span = self.rows[row]
        below = self.rows[row + 1].first if row + 1 < len(self.rows) else span.last - self.tail
        return below - span.first


@runtime_checkable
class StripSink(Protocol):
    """Receives the pixel rows of a strip from top to bottom; None if all of them are nodata."""

    def sums(self, name: Literal["head", "tail"], sums: Float32[Tensor, "k1 n w"] | None) -> None:
        """Receive the sums of rows that another strip shares. The last plane holds the weights."""

    def rows(self, count: int, decided: PixelRows | None) -> None:
        """Receive finished rows."""


@final
class StripStitcher:
    """Stitches the windows of a strip, added in the order of the grid: rows top to bottom, columns left to right.

    Memory: 4 (K + 1) bytes for each pixel of a window, and of the pixel rows that two rows of windows share.
    """

    def __init__(
        self, shape: StripShape, clusters: int, side: int, probabilities: bool, device: torch.device, sink: StripSink
    ) -> None:
        """Prepare a strip whose windows keep at most `side` columns."""
        self.shape, self.sink = shape, sink
        height = max(span.last - span.first for span in shape.rows)
        # The sums of the current windows, from the column `_left` on.
        self._window = torch.zeros(clusters + 1, height, side, device=device)
        self._left, self._row, self._touched = shape.start, 0, False
        self._probabilities = probabilities
        self._above: Tensor | None = None
        self._start_row()

    def _start_row(self) -> None:
        """Start a row of windows."""
        self._head: Tensor | None = None
        self._below: Tensor | None = None
        self._decided: PixelRows | None = None

    def add(self, row: int, column: Span, probabilities: Float32[Tensor, "k h w"], valid: Bool[Tensor, "h w"]) -> None:
        """Add the kept part of a window. Nodata pixels have no weight.

        Args:
            row: Row of windows in the strip. All rows before it are finished.
            column: Columns of the window.
            probabilities: Probabilities of the complete window.
            valid: Valid pixels of the complete window.
        """
        self._finish(row)
        self._shift_window(column.first)
        span, device = self.shape.rows[row], self._window.device
        inside = (span.kept, column.kept)
        across, down = torch.from_numpy(column.weights).to(device), torch.from_numpy(span.weights).to(device)
        weights = down[:, None] * across * valid[inside]
        place = self._window[:, : span.last - span.first, : column.last - column.first]
        place[:-1] += probabilities[:, *inside] * weights
        place[-1] += weights
        self._touched = True

    def finish(self) -> None:
        """Pass all remaining rows to the sink."""
        self._finish(len(self.shape.rows))

    def _finish(self, row: int) -> None:
        """Finish the rows of windows before `row`."""
        while self._row < row:
            self._shift_window(self.shape.columns[1])
            self._window.zero_()  # Columns beyond the requested ones remain in it.
            self._touched = False
            head, count = self._counts()
            if head:
                self.sink.sums("head", self._head)
            if count > head:
                self.sink.rows(count - head, self._decided)
            self._above, self._row, self._left = self._below, self._row + 1, self.shape.start
            self._start_row()
            if self._row == len(self.shape.rows) and self.shape.tail:
                self.sink.sums("tail", self._above)

    def _counts(self) -> tuple[int, int]:
        """Return the numbers of head rows and of finished rows of the current row of windows."""
        return self.shape.head if self._row == 0 else 0, self.shape.finished(self._row)

    def _shift_window(self, column: int) -> None:
        """Shift the window to `column`, and emit the columns before it."""
        side = self._window.shape[2]
        while self._left < column:
            step = min(column - self._left, side)
            self._emit_rows(step)
            if self._touched:
                rest = self._window[:, :, step:].clone()
                self._window.zero_()
                self._window[:, :, : side - step] = rest
                self._touched = bool((rest[-1] > 0).any())
            self._left += step

    def _emit_rows(self, count: int) -> None:
        """Emit the next `count` columns of the window, with the sums of the row of windows above."""
        first, last = self.shape.columns
        start, stop = max(self._left, first), min(self._left + count, last)
        if start >= stop or (not self._touched and self._above is None):
            return
        span = self.shape.rows[self._row]
        sums = self._window[:, : span.last - span.first, start - self._left : stop - self._left]
        columns = slice(start - first, stop - first)
        if self._above is not None:
            sums[:, : self._above.shape[1]] += self._above[:, :, columns]
        if not bool((sums[-1] > 0).any()):
            return
        head, finished = self._counts()
        self._head = self._copied_into(self._head, sums[:, :head], columns)
        self._below = self._copied_into(self._below, sums[:, finished:], columns)
        if finished > head:
            found = decide_labels(sums[:, head:finished], self._probabilities)
            self._decided = self._decided or found.like(self.shape.width)
            self._decided.put(columns, found)

    def _copied_into(self, into: Tensor | None, sums: Tensor, columns: slice) -> Tensor | None:
        """Copy sums into a tensor of the full width, which is created if it is None. Return the tensor."""
        if sums.shape[1] == 0:
            return into
        whole = sums.new_zeros(*sums.shape[:2], self.shape.width) if into is None else into
        whole[:, :, columns] = sums
        return whole
