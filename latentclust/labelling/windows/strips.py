"""Strips of a scene: complete rows of windows that are labelled as a unit."""

from collections.abc import Sequence
from dataclasses import dataclass

from latentclust.labelling.windows.grid import Span
from latentclust.labelling.windows.stitch import StripShape

WINDOWS = 256
"""Approximate number of windows in a strip. The strips of a scene do not depend on the engine."""


@dataclass(frozen=True, slots=True)
class PixelBounds:
    """A rectangle of pixels, from the first row and column to those after the last.

    Attributes:
        top: First row.
        left: First column.
        bottom: Row after the last one.
        right: Column after the last one.
    """

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left


def overlapping_spans(spans: Sequence[Span], first: int, last: int) -> list[Span]:
    """Return the spans that keep any of the pixels from `first` to before `last`."""
    return [span for span in spans if span.first < last and span.last > first]


def split_into_strips(rows: Sequence[Span], columns: Sequence[Span], extent: PixelBounds) -> list[StripShape]:
    """Return the strips of a scene, top to bottom.

    Two strips share at most the pixel rows between the last row of windows of one and the first of the other.
    """
    rows_per_strip = max(1, round(WINDOWS / len(columns)))
    cuts, last = [0], len(rows)
    for row in range(1, last):
        if row - cuts[-1] >= rows_per_strip and _separable(rows, row):
            cuts.append(row)
    shapes = []
    for start, stop in zip(cuts, [*cuts[1:], last], strict=True):
        head = rows[start - 1].last - rows[start].first if start else 0
        tail = rows[stop - 1].last - rows[stop].first if stop < last else 0
        shapes.append(StripShape(rows[start:stop], (extent.left, extent.right), columns[0].first, head, tail))
    return shapes


def _separable(rows: Sequence[Span], row: int) -> bool:
    """Return whether no three rows of windows around the cut before `row` share a pixel row."""
    before = row < 2 or rows[row - 2].last <= rows[row].first
    after = row + 1 == len(rows) or rows[row - 1].last <= rows[row + 1].first
    return before and after
