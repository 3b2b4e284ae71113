"""Probabilities of overlapping windows summed in a strip of the grid's rows, and read out row by row."""

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
"""What pixels without a label hold, in label and confidence rasters; clusters count from 1."""

BYTE_CLUSTERS = 255
"""The most clusters that a byte numbers beside `NO_DATA`."""

STEPS = 254
"""Confidence runs from 1, chance, to 255, certainty; probabilities from 1, none, to 255, certainty."""


def label_type(clusters: int) -> np.dtype[np.unsignedinteger]:
    """The type of a label raster."""
    return np.dtype(np.uint8) if clusters <= BYTE_CLUSTERS else np.dtype(np.uint16)


@dataclass(frozen=True, slots=True)
class PixelRows:
    """What pixels come to, rows first.

    Attributes:
        labels: `(n, w)`: cluster, counted from 1, or 0 for no data.
        confidence: `(n, w)`: 1 for chance to 255 for certainty, or 0.
        probabilities: `(n, k, w)`: 1 for none to 255 for certainty, or 0; None unless asked for.
    """

    labels: NDArray[np.unsignedinteger]
    confidence: NDArray[np.uint8]
    probabilities: NDArray[np.uint8] | None

    def like(self, width: int) -> "PixelRows":
        """As many rows of another width, no data yet."""
        every = None if self.probabilities is None else _wider(self.probabilities, width)
        return PixelRows(_wider(self.labels, width), _wider(self.confidence, width), every)

    def put(self, columns: slice, part: "PixelRows") -> None:
        """Fills some columns."""
        self.labels[:, columns], self.confidence[:, columns] = part.labels, part.confidence
        if self.probabilities is not None and part.probabilities is not None:
            self.probabilities[..., columns] = part.probabilities


def _wider(array: NDArray[Any], width: int) -> NDArray[Any]:
    return np.zeros((*array.shape[:-1], width), array.dtype)


def decide_labels(sums: Float32[Tensor, "k1 n w"], probabilities: bool) -> PixelRows:
    """Reads weighted sums of probabilities, whose last plane holds the weights; weight 0 is no data."""
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
    """The probability of the chosen cluster, 1/K to 1, as 1 to 255."""
    chance = 1 / clusters
    return encode_share((probability - chance) / (1 - chance) if clusters > 1 else torch.ones_like(probability))


def encode_share(share: Tensor) -> Tensor:
    """Shares in [0, 1] as 1 to 255."""
    return (1 + torch.round(STEPS * share.clamp(0, 1))).to(torch.uint8)


@dataclass(frozen=True, slots=True)
class StripShape:
    """What a strip covers.

    Attributes:
        rows: The grid's rows that make it, in order.
        columns: First and after the last pixel column that are wanted.
        start: The first pixel column that windows keep.
        head: Pixel rows at its top that the strip above adds to; 0 where there is none.
        tail: Pixel rows at its bottom that the strip below adds to.
    """

    rows: Sequence[Span]
    columns: tuple[int, int]
    start: int
    head: int
    tail: int

    @property
    def width(self) -> int:
        """Pixel columns that are kept."""
        return self.columns[1] - self.columns[0]

    def finished(self, row: int) -> int:
        """How many pixel rows no later row of the grid adds to, of those from this row's first on."""
        span = self.rows[row]
        below = self.rows[row + 1].first if row + 1 < len(self.rows) else span.last - self.tail
        return below - span.first


@runtime_checkable
class StripSink(Protocol):
    """Takes a strip's pixel rows from top to bottom; None where all of them are no data."""

    def sums(self, name: Literal["head", "tail"], sums: Float32[Tensor, "k1 n w"] | None) -> None:
        """The sums of rows that another strip adds to; weights last."""

    def rows(self, count: int, decided: PixelRows | None) -> None:
        """Finished rows."""


@final
class StripStitcher:
    """A strip that windows are being added to, in the order of the grid: rows top to bottom, columns left to right.

    Memory: 4 (K + 1) bytes for each pixel of a window, and of the pixel rows that two rows of windows share.
    """

    def __init__(
        self, shape: StripShape, clusters: int, side: int, probabilities: bool, device: torch.device, sink: StripSink
    ) -> None:
        """A strip whose windows keep at most `side` columns."""
        self.shape, self.sink = shape, sink
        height = max(span.last - span.first for span in shape.rows)
        # The windows at hand: what they add up to from the column `_left` on.
        self._window = torch.zeros(clusters + 1, height, side, device=device)
        self._left, self._row, self._touched = shape.start, 0, False
        self._probabilities = probabilities
        self._above: Tensor | None = None
        self._fresh()

    def _fresh(self) -> None:
        """Nothing is known yet of a row of windows."""
        self._head: Tensor | None = None
        self._below: Tensor | None = None
        self._decided: PixelRows | None = None

    def add(self, row: int, column: Span, probabilities: Float32[Tensor, "k h w"], valid: Bool[Tensor, "h w"]) -> None:
        """Adds the kept part of a window; pixels that are no data count nothing.

        Args:
            row: Of the strip; all rows before it are finished.
            column: Of the window.
            probabilities: Of the whole window.
            valid: Which of its pixels are data.
        """
        self._finish(row)
        self._slide(column.first)
        span, device = self.shape.rows[row], self._window.device
        inside = (span.kept, column.kept)
        across, down = torch.from_numpy(column.weights).to(device), torch.from_numpy(span.weights).to(device)
        weights = down[:, None] * across * valid[inside]
        place = self._window[:, : span.last - span.first, : column.last - column.first]
        place[:-1] += probabilities[:, *inside] * weights
        place[-1] += weights
        self._touched = True

    def finish(self) -> None:
        """Gives the sink all that is left."""
        self._finish(len(self.shape.rows))

    def _finish(self, row: int) -> None:
        """Finishes the rows of windows before `row`."""
        while self._row < row:
            self._slide(self.shape.columns[1])
            self._window.zero_()  # of columns beyond those that are wanted
            self._touched = False
            head, count = self._counts()
            if head:
                self.sink.sums("head", self._head)
            if count > head:
                self.sink.rows(count - head, self._decided)
            self._above, self._row, self._left = self._below, self._row + 1, self.shape.start
            self._fresh()
            if self._row == len(self.shape.rows) and self.shape.tail:
                self.sink.sums("tail", self._above)

    def _counts(self) -> tuple[int, int]:
        """Of the row of windows at hand: pixel rows of the head, and those that no later row adds to, head included."""
        return self.shape.head if self._row == 0 else 0, self.shape.finished(self._row)

    def _slide(self, column: int) -> None:
        """Moves on to `column`: what lies before it is read out."""
        side = self._window.shape[2]
        while self._left < column:
            step = min(column - self._left, side)
            self._read_out(step)
            if self._touched:
                rest = self._window[:, :, step:].clone()
                self._window.zero_()
                self._window[:, :, : side - step] = rest
                self._touched = bool((rest[-1] > 0).any())
            self._left += step

    def _read_out(self, count: int) -> None:
        """Takes the next `count` columns of the window, and what the row above gave to them."""
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
        self._head = self._kept(self._head, sums[:, :head], columns)
        self._below = self._kept(self._below, sums[:, finished:], columns)
        if finished > head:
            found = decide_labels(sums[:, head:finished], self._probabilities)
            self._decided = self._decided or found.like(self.shape.width)
            self._decided.put(columns, found)

    def _kept(self, into: Tensor | None, sums: Tensor, columns: slice) -> Tensor | None:
        """Sums put among those of the whole width."""
        if sums.shape[1] == 0:
            return into
        whole = sums.new_zeros(*sums.shape[:2], self.shape.width) if into is None else into
        whole[:, :, columns] = sums
        return whole
