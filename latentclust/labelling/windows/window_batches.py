"""The windows of strips, read ahead of the model and gathered into batches."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from latentclust.data.rasters import BandReading
from latentclust.errors import InterruptedRunError
from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.scenes.inputs import Scene
from latentclust.labelling.scenes.reader import open_raster, read_filled_window
from latentclust.labelling.windows.grid import Span
from latentclust.labelling.windows.stitch import StripShape

IDLE = 1024
"""Windows after which a batch ends that is not full, so that a stretch without data shows progress."""

Item = TypeVar("Item")
ShouldStop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class StripJob:
    """A strip to be labelled; it can be sent to another process.

    Attributes:
        scene: The scene that it is of.
        bands: How it is read.
        number: Of the strip in its scene, from 0.
        shape: What it covers.
        columns: The grid's columns that are read.
        folder: Where its files go.
    """

    scene: Scene
    bands: BandReading
    number: int
    shape: StripShape
    columns: tuple[Span, ...]
    folder: Path

    @property
    def windows(self) -> int:
        """How many windows it has, with those that are nowhere data."""
        return len(self.shape.rows) * len(self.columns)


@dataclass(frozen=True, slots=True)
class WindowPixels:
    """A window that was read: its row in the strip, its columns, its bytes `(c, h, w)` and where they are data."""

    row: int
    column: Span
    image: NDArray[np.uint8]
    valid: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class WindowBatch:
    """Windows of one size; none where a stretch of the strip has no data.

    Attributes:
        job: The strip that they are of.
        pieces: The windows.
        passed: How many windows were gone through to get them, with those that are nowhere data.
        first: Whether the strip begins with it.
        last: Whether it ends with it.
        error: Why the strip could not be read to its end; it is then the last.
    """

    job: StripJob
    pieces: tuple[WindowPixels, ...]
    passed: int
    first: bool
    last: bool
    error: Exception | None = None


def window_batches(settings: LabelSettings, jobs: Iterable[StripJob], should_stop: ShouldStop) -> Iterator[WindowBatch]:
    """The windows of strips in the order of the grid; a batch never holds windows of two strips.

    So the bits of a label depend on its strip alone, and not on which strips or scenes were labelled before it.
    """
    for job in jobs:
        yield from _batches(settings, job, should_stop)


def _batches(settings: LabelSettings, job: StripJob, should_stop: ShouldStop) -> Iterator[WindowBatch]:
    pieces: list[WindowPixels] = []
    passed, first = 0, True
    try:
        for piece in _pieces(job, should_stop):
            if passed == IDLE or len(pieces) == settings.batch or _unlike(piece, pieces):
                yield WindowBatch(job, tuple(pieces), passed, first, last=False)
                pieces, passed, first = [], 0, False
            passed += 1
            if piece:
                pieces.append(piece)
    # What is wrong with a scene is told with the strip that it stopped.
    except Exception as error:
        yield WindowBatch(job, (), passed, first, last=True, error=error)
    else:
        yield WindowBatch(job, tuple(pieces), passed, first, last=True)


def _unlike(piece: WindowPixels | None, pieces: list[WindowPixels]) -> bool:
    return piece is not None and bool(pieces) and piece.image.shape != pieces[0].image.shape


def _pieces(job: StripJob, should_stop: ShouldStop) -> Iterator[WindowPixels | None]:
    """The windows of a strip in the order of the grid; None for one that is nowhere data."""
    with open_raster(job.scene) as file:
        for number, row in enumerate(job.shape.rows):
            for column in job.columns:
                if should_stop():
                    raise InterruptedRunError.at(job.scene.name, "stopped", "The same command goes on with it")
                found = read_filled_window(file, job.bands, row, column, job.scene.name)
                yield WindowPixels(number, column, *found) if found else None


def prefetch(items: Iterator[Item]) -> Iterator[Item]:
    """The same, the next one being made in another thread while one is in use."""
    with ThreadPoolExecutor(1, "read-ahead") as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
