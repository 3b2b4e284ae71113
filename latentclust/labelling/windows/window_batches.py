"""Windows of a scene, read from a raster file or an array and grouped into batches."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from latentclust.data.rasters import BandReading, follow_curves, has_value
from latentclust.labelling.scenes.reader import fill_window, read_filled_window
from latentclust.labelling.windows.grid import Span

MAX_IDLE_WINDOWS = 1024
"""Number of windows after which a batch ends even if it is not full, so that nodata areas show progress."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class WindowPixels:
    """A window that was read and contains valid pixels.

    Attributes:
        row: Row of windows in the strip, from 0.
        column: Column of the grid.
        image: Bytes `(c, h, w)`; nodata pixels are filled.
        valid: Valid pixels `(h, w)`.
    """

    row: int
    column: Span
    image: NDArray[np.uint8]
    valid: NDArray[np.bool_]


@runtime_checkable
class WindowReader(Protocol):
    """A scene that windows are read from."""

    def read(self, row: Span, column: Span) -> tuple[NDArray[np.uint8], NDArray[np.bool_]] | None:
        """Return the bytes `(c, h, w)` and the valid pixels `(h, w)` of a window, or None if no pixel is valid."""


@dataclass(frozen=True, slots=True)
class RasterWindows:
    """The windows of a raster file.

    Attributes:
        file: Raster opened by `open_raster`.
        bands: Band reading from `match_bands`.
        name: Name of the scene, for messages.
    """

    file: DatasetReader
    bands: BandReading
    name: str

    def read(self, row: Span, column: Span) -> tuple[NDArray[np.uint8], NDArray[np.bool_]] | None:
        """Read a window from the file. Raise LatentclustError if the file is damaged there."""
        return read_filled_window(self.file, self.bands, row, column, self.name)


@dataclass(frozen=True, slots=True)
class ArrayWindows:
    """The windows of an array. Pixels that are NaN or infinite in a band are nodata.

    Attributes:
        values: All bands `(c, h, w)` of a scene, or of a part of it.
        bands: How the model reads bands.
        dtype: NumPy name of the data type in the source file.
        nodata: Value of nodata pixels, or None if there is no such value.
        valid: Pixels `(h, w)` that are not masked. None if no pixel is.
        top: Row of the scene at which `values` start.
        left: Column of the scene at which `values` start.
    """

    values: NDArray[Any]
    bands: BandReading
    dtype: str
    nodata: float | None = None
    valid: NDArray[np.bool_] | None = None
    top: int = 0
    left: int = 0

    def read(self, row: Span, column: Span) -> tuple[NDArray[np.uint8], NDArray[np.bool_]] | None:
        """Read a window from the array."""
        inside = (
            slice(row.start - self.top, row.stop - self.top),
            slice(column.start - self.left, column.stop - self.left),
        )
        raw = self.values[:, *inside][[band - 1 for band in self.bands.bands]]
        valid = np.isfinite(raw).all(axis=0)
        for value in (self.nodata, self.bands.nodata):
            if value is not None:
                valid &= ~has_value(raw, value)
        if self.valid is not None:
            valid &= self.valid[inside]
        values = np.where(valid, raw, 0).astype(self.dtype)
        if self.bands.curves:
            values = follow_curves(values, self.bands.curves)
        return fill_window(values, valid, self.bands.ranges)


def read_windows(source: WindowReader, rows: Sequence[Span], columns: Sequence[Span]) -> Iterator[WindowPixels | None]:
    """Yield the windows of a strip in the order of the grid; None for a window without valid pixels."""
    for number, row in enumerate(rows):
        for column in columns:
            pixels = source.read(row, column)
            yield WindowPixels(number, column, *pixels) if pixels else None


@dataclass(frozen=True, slots=True)
class WindowBatch:
    """Windows of one shape that the model reads at once.

    Attributes:
        windows: Windows with valid pixels. Empty in a nodata area.
        read: Number of windows that were read for the batch, including those without valid pixels.
        last: Whether the strip ends with the batch.
    """

    windows: tuple[WindowPixels, ...]
    read: int
    last: bool


def batch_windows(windows: Iterable[WindowPixels | None], size: int) -> Iterator[WindowBatch]:
    """Group the windows of one strip into batches of at most `size` windows.

    A batch never contains windows of two strips, so that labels depend, bit for bit, on their own strip alone and not
    on the strips or scenes that were labelled before.
    """
    batch: list[WindowPixels] = []
    read = 0
    for window in windows:
        other_shape = window is not None and bool(batch) and window.image.shape != batch[0].image.shape
        if read == MAX_IDLE_WINDOWS or len(batch) == size or other_shape:
            yield WindowBatch(tuple(batch), read, last=False)
            batch, read = [], 0
        read += 1
        if window:
            batch.append(window)
    yield WindowBatch(tuple(batch), read, last=True)


def prefetch(items: Generator[Item, None, None]) -> Iterator[Item]:
    """Yield the items, producing the next one in a background thread, which also closes the generator.

    An open raster belongs to the thread that opened it, because GDAL's environment is local to a thread. So that thread
    closes the generator, however the caller ends.
    """
    produced: SimpleQueue[tuple[Item | None, BaseException | None]] = SimpleQueue()
    wanted, ended = Semaphore(1), Event()

    def produce() -> None:
        try:
            while wanted.acquire() and not ended.is_set():
                produced.put((next(items, None), None))
        except BaseException as error:
            produced.put((None, error))
        finally:
            items.close()

    thread = Thread(target=produce, name="read-ahead")
    thread.start()
    try:
        while True:
            item, error = produced.get()
            if error is not None:
                raise error
            if item is None:
                return
            wanted.release()
            yield item
    finally:
        ended.set()
        wanted.release()
        thread.join()
