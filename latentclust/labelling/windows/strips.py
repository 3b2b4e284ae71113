"""Strips of a scene: whole rows of windows, which one process labels by itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from latentclust.labelling.windows.grid import Span
from latentclust.labelling.windows.stitch import StripShape

WINDOWS = 256
"""About how many windows a strip has; what strips there are does not depend on who labels them."""


@dataclass(frozen=True, slots=True)
class PixelBounds:
    """A rectangle of pixels: from the first to after the last row and column."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left


def overlapping_spans(spans: Sequence[Span], first: int, last: int) -> list[Span]:
    """The spans that keep any of the pixels from `first` to before `last`."""
    return [span for span in spans if span.first < last and span.last > first]


def split_into_strips(rows: Sequence[Span], columns: Sequence[Span], extent: PixelBounds) -> list[StripShape]:
    """The strips of rows of windows, top to bottom.

    Two strips share at most the pixel rows between the last row of windows of one and the first of the other.
    """
    wanted = max(1, round(WINDOWS / len(columns)))
    cuts, last = [0], len(rows)
    for row in range(1, last):
        if row - cuts[-1] >= wanted and _separable(rows, row):
            cuts.append(row)
    shapes = []
    for start, stop in zip(cuts, [*cuts[1:], last], strict=True):
        head = rows[start - 1].last - rows[start].first if start else 0
        tail = rows[stop - 1].last - rows[stop].first if stop < last else 0
        shapes.append(StripShape(rows[start:stop], (extent.left, extent.right), columns[0].first, head, tail))
    return shapes


def _separable(rows: Sequence[Span], row: int) -> bool:
    """Whether no pixel row is shared by three rows of windows about the cut before `row`."""
    before = row < 2 or rows[row - 2].last <= rows[row].first
    after = row + 1 == len(rows) or rows[row - 1].last <= rows[row + 1].first
    return before and after
