"""Seams of a mosaic: which scene gives a pixel its label, and how often scenes agree where they overlap."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.labelling.mosaic.grid import MosaicGrid, PlacedScene
from latentclust.labelling.windows.stitch import NO_DATA
from latentclust.labelling.windows.strips import PixelBounds

TILE = 2048
"""Side of the part of a mosaic that is in memory, in pixels: a multiple of the blocks of its files."""


@dataclass(frozen=True, slots=True)
class MosaicTile:
    """A rectangle of a mosaic.

    Attributes:
        bounds: Pixels of the mosaic.
        labels: Labels `(h, w)`.
        confidence: Confidence `(h, w)`. None if scenes have none.
        overlap: Number of pixels that more than one scene labels.
        agreeing: Number of those that all of these scenes label equally.
    """

    bounds: PixelBounds
    labels: NDArray[np.unsignedinteger]
    confidence: NDArray[np.uint8] | None
    overlap: int
    agreeing: int


def mosaic_tiles(grid: MosaicGrid, dtype: np.dtype[Any]) -> Iterator[MosaicTile]:
    """Yield the rectangles of a mosaic that any scene covers, from top to bottom and from left to right.

    A pixel has the label with the highest confidence; of equal ones, and if scenes have no confidence, that of the
    first scene in the order of the inputs. The result does not depend on the rectangles.

    Args:
        grid: Grid and scenes.
        dtype: Data type of the labels.
    """
    for bounds, scenes in _covered(grid):
        yield _compose(grid, bounds, scenes, dtype)


def _covered(grid: MosaicGrid) -> Iterator[tuple[PixelBounds, list[PlacedScene]]]:
    """Yield rectangles of the grid with the scenes that reach into them."""
    height, width = grid.where.extent
    for top in range(0, height, TILE):
        bottom = min(top + TILE, height)
        row = [scene for scene in grid.scenes if scene.bounds.top < bottom and scene.bounds.bottom > top]
        for left in range(0, width, TILE):
            right = min(left + TILE, width)
            if found := [scene for scene in row if scene.bounds.left < right and scene.bounds.right > left]:
                yield PixelBounds(top, left, bottom, right), found


def _compose(grid: MosaicGrid, bounds: PixelBounds, scenes: list[PlacedScene], dtype: np.dtype[Any]) -> MosaicTile:
    """Return the rectangle `bounds` of a mosaic."""
    shape = (bounds.height, bounds.width)
    first, labels = np.zeros(shape, dtype), np.zeros(shape, dtype)
    confidence = np.zeros(shape, np.uint8)
    overlap, differs = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    for scene in scenes:
        part = _intersection(bounds, scene.bounds)
        inside = (slice(part.top - bounds.top, part.bottom - bounds.top),
                  slice(part.left - bounds.left, part.right - bounds.left))  # fmt: skip
        found, certainty = _read(grid, scene, part)
        known, again = found != NO_DATA, (found != NO_DATA) & (first[inside] != NO_DATA)
        overlap[inside] |= again
        differs[inside] |= again & (found != first[inside])
        first[inside] = np.where(known & ~again, found, first[inside])
        better = known & (certainty > confidence[inside])
        labels[inside] = np.where(better, found, labels[inside])
        confidence[inside] = np.where(better, certainty, confidence[inside])
    counts = int(np.count_nonzero(overlap)), int(np.count_nonzero(overlap & ~differs))
    return MosaicTile(bounds, labels, confidence if scenes[0].confidence else None, *counts)


def _read(
    grid: MosaicGrid, scene: PlacedScene, part: PixelBounds
) -> tuple[NDArray[np.unsignedinteger], NDArray[np.uint8]]:
    """Return labels and confidence `(h, w)` of a part of a mosaic. Without a confidence it is 1 for all labels."""
    window = grid.window(scene, part)
    with grid.open(scene, scene.labels) as file:
        labels = file.read(1, window=window)
    if scene.confidence is None:
        return labels, (labels != NO_DATA).astype(np.uint8)
    with grid.open(scene, scene.confidence) as file:
        return labels, file.read(1, window=window)


def _intersection(one: PixelBounds, other: PixelBounds) -> PixelBounds:
    return PixelBounds(
        max(one.top, other.top), max(one.left, other.left), min(one.bottom, other.bottom), min(one.right, other.right)
    )
