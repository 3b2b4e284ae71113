"""The windows of a scene, read ahead of the model and gathered into batches."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from latentclust.errors import InterruptedRunError
from latentclust.labelling.outcome import Watcher
from latentclust.labelling.reading import read_filled
from latentclust.labelling.windows import Grid, Span
from latentclust.labelling.write import Palette
from latentclust.model import ClusteringModel
from latentclust.rasters import BandReading


@dataclass(frozen=True, slots=True)
class Plan:
    """How every scene of a run is labelled.

    Attributes:
        model: Gives the probabilities.
        bands: How it reads scenes.
        grid: The windows.
        batch: Windows at a time.
        confidence: Whether the confidence is written too.
        seed: Of an inference that draws; every scene begins with it.
        palette: Of the label raster.
    """

    model: ClusteringModel
    bands: BandReading
    grid: Grid
    batch: int
    confidence: bool
    seed: int
    palette: Palette

    def options(self) -> dict[str, Any]:
        """What decides the values of outputs, beside the model and the scene."""
        grid = self.grid
        windows = {"tile": list(grid.tile), "overlap": list(grid.overlap), "blend": grid.blend, "batch": self.batch}
        return {**windows, "confidence": self.confidence, "seed": self.seed, "device": self.model.device.type}


@dataclass(frozen=True, slots=True)
class Piece:
    """A window that was read: its row in the grid, its columns, its bytes `(c, h, w)` and where they are data."""

    row: int
    column: Span
    image: NDArray[np.uint8]
    valid: NDArray[np.bool_]


def pieces_of(
    plan: Plan, file: DatasetReader, name: str, stopping: Callable[[], bool], watcher: Watcher
) -> Iterator[Piece]:
    """The windows of a scene in the order of the grid; those that are nowhere data are left out."""
    for number, row in enumerate(plan.grid.rows(file.height)):
        for column in plan.grid.columns(file.width):
            if stopping():
                raise InterruptedRunError.at(name, "stopped", "The same command goes on with it")
            found = read_filled(file, plan.bands, row, column, name)
            watcher.windows_done(1, found[1].size if found else 0)
            if found:
                yield Piece(number, column, *found)


def batches_of(pieces: Iterator[Piece], size: int) -> Iterator[list[Piece]]:
    """Windows of one size, as many as fit a batch."""
    batch: list[Piece] = []
    for piece in pieces:
        if batch and (len(batch) == size or piece.image.shape != batch[0].image.shape):
            yield batch
            batch = []
        batch.append(piece)
    if batch:
        yield batch


def ahead(batches: Iterator[list[Piece]]) -> Iterator[list[Piece]]:
    """The same, the next one being read while one is in use."""
    with ThreadPoolExecutor(1, "read-ahead") as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch
