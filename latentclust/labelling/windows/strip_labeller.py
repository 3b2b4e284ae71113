"""The window engine: windows are preprocessed, read by the model under autocast, checked and stitched into strips."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import final

import numpy as np
import torch
from torch import Tensor

from latentclust.data.feed import to_float
from latentclust.data.rasters import BandReading
from latentclust.data.scenes.opening import open_raster
from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.infer.posteriors import posterior_of
from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.windows.grid import Span
from latentclust.labelling.windows.stitch import StripShape, StripSink, StripStitcher
from latentclust.labelling.windows.strip_files import StripFacts, StripWriter
from latentclust.labelling.windows.window_batches import (
    RasterWindows,
    WindowBatch,
    WindowPixels,
    batch_windows,
    prefetch,
    read_windows,
)
from latentclust.specs.scenes import Scene
from latentclust.tensors import Mask
from latentclust.train.precision import Precision

RESUME_FIX = "Run the same command again to resume"

ShouldStop = Callable[[], bool]
"""Returns True once the user asks to stop."""


@final
class StripLabeller:
    """A strip of a scene that is being labelled; all callers label windows with it, whatever they read and write.

    Attributes:
        windows: Number of windows that the model has read.
        pixels: Number of pixels that the model has read. Overlaps count as often as they are read.
    """

    def __init__(
        self,
        settings: LabelSettings,
        shape: StripShape,
        columns: Sequence[Span],
        number: int,
        sink: StripSink,
        name: str,
    ) -> None:
        """Prepare the strip with a number, counted from 0, of the scene `name`; its pixel rows go to `sink`."""
        model = settings.model
        self.windows = self.pixels = 0
        self._settings, self._name = settings, name
        self._precision = Precision(settings.precision, model.device)
        seed = int(np.random.SeedSequence((settings.seed, number)).generate_state(1)[0])
        self._rng = torch.Generator(model.device).manual_seed(seed)
        side = max(column.last - column.first for column in columns)
        with_probabilities = "probabilities" in settings.strip_rasters
        self._stitcher = StripStitcher(shape, model.clusters, side, with_probabilities, model.device, sink)

    def add(self, windows: Sequence[WindowPixels]) -> None:
        """Label windows of one shape. They must follow the order of the grid.

        Raises:
            LatentclustError: If the model returns probabilities that are not finite.
        """
        if not windows:
            return
        device = self._settings.model.device
        raw = torch.from_numpy(np.stack([window.image for window in windows])).to(device)
        valid = torch.from_numpy(np.stack([window.valid for window in windows])).to(device)
        for window, probabilities, mask in zip(windows, self._posterior(raw, Mask(valid)), valid, strict=True):
            self._stitcher.add(window.row, window.column, probabilities, mask)
        self.windows += len(windows)
        self.pixels += sum(window.valid.size for window in windows)

    def finish(self) -> StripFacts:
        """Pass the remaining pixel rows to the sink."""
        self._stitcher.finish()
        return StripFacts(self.windows, self.pixels)

    def _posterior(self, raw: Tensor, valid: Mask) -> Tensor:
        model = self._settings.model
        images = model.preprocess(to_float(raw), self._rng)
        with self._precision.forward():
            found = posterior_of(model.inference, model.model, images, model.state, self._rng, model.stride, valid)
        if not bool(found.probabilities.isfinite().all()):
            what = f"the model returns probabilities that are not finite, in {self._settings.precision}"
            raise LatentclustError.at(self._name, what, "Try --precision fp32, or retrain the model")
        return found.probabilities


@dataclass(frozen=True, slots=True)
class StripJob:
    """A strip of a raster file that is ready to be labelled; it can be sent to another process.

    Attributes:
        scene: Scene of the strip.
        bands: How its bands are read.
        number: Number of the strip in its scene, from 0.
        shape: Rows and columns of the strip.
        columns: Columns of the grid that are read.
        folder: Folder of the strip's files.
    """

    scene: Scene
    bands: BandReading
    number: int
    shape: StripShape
    columns: tuple[Span, ...]
    folder: Path

    @property
    def windows(self) -> int:
        """Number of windows, including those without valid pixels."""
        return len(self.shape.rows) * len(self.columns)


@dataclass(frozen=True, slots=True)
class StripResult:
    """The result of labelling a strip.

    Attributes:
        job: Strip.
        facts: Counts of the strip. None if it failed.
        error: Reason of a failure.
    """

    job: StripJob
    facts: StripFacts | None
    error: Exception | None = None


Progress = Callable[[StripJob, int, int], None]
"""Receives the strip, the number of windows that were read since, and the number of pixels that the model read."""

Engine = Callable[[Iterator[StripJob], ShouldStop, Progress], Iterator[StripResult]]
"""Labels strips, in any order, and takes new ones when it has room for them."""


def make_engine(
    settings: LabelSettings, folder: Path, workers: int | None, scheduler: str | None
) -> AbstractContextManager[Engine]:
    """Return the requested engine: this process, a local Dask cluster, or a running one.

    Args:
        settings: Settings of the run.
        folder: Folder of temporary files. Every worker must see it under this path.
        workers: Number of processes of a local cluster. None for no local cluster.
        scheduler: Address of a running scheduler. None for no running cluster.

    Raises:
        LatentclustError: If Dask is not installed, or no usable cluster sees the folder.
    """
    if workers is None and scheduler is None:
        return nullcontext(partial(label_strips, settings))
    from latentclust.labelling.windows.dask_cluster import cluster_engine

    return cluster_engine(settings, folder, workers, scheduler)


def label_strips(
    settings: LabelSettings, jobs: Iterable[StripJob], should_stop: ShouldStop, progress: Progress
) -> Iterator[StripResult]:
    """Label strips of raster files one after the other. The next windows are read while the model is busy.

    Raises:
        InterruptedRunError: If the user asks to stop. The files of the unfinished strip are removed.
    """
    strip: _FileStrip | None = None
    ended: StripJob | None = None
    try:
        for job, batch in prefetch(_read_jobs(settings, jobs, should_stop)):
            if should_stop():
                raise InterruptedRunError.at(job.scene.name, "stopped", RESUME_FIX)
            if job is ended:  # The strip has failed; the rest of its windows was read before that was known.
                continue
            strip = strip or _FileStrip(settings, job)
            result = strip.add(batch)
            if isinstance(batch, WindowBatch):
                progress(job, batch.read, sum(window.valid.size for window in batch.windows))
            if result:
                strip, ended = None, job
                yield result
    finally:
        if strip:
            strip.discard()


def _read_jobs(
    settings: LabelSettings, jobs: Iterable[StripJob], should_stop: ShouldStop
) -> Generator[tuple[StripJob, WindowBatch | Exception], None, None]:
    """Yield the batches of each strip. An error replaces the batches that could not be read."""
    for job in jobs:
        try:
            with open_raster(job.scene) as file:
                source = RasterWindows(file, job.bands, job.scene.name)
                windows = read_windows(source, job.shape.rows, job.columns)
                for batch in batch_windows(_until_stopped(windows, job, should_stop), settings.batch):
                    yield job, batch
        # A strip that cannot be read is reported as failed and does not stop the others.
        except Exception as error:
            yield job, error


def _until_stopped(
    windows: Iterator[WindowPixels | None], job: StripJob, should_stop: ShouldStop
) -> Iterator[WindowPixels | None]:
    for window in windows:
        if should_stop():
            raise InterruptedRunError.at(job.scene.name, "stopped", RESUME_FIX)
        yield window


@final
class _FileStrip:
    """A strip that is being labelled into files."""

    def __init__(self, settings: LabelSettings, job: StripJob) -> None:
        """Prepare a strip. Its files are made with the first batch."""
        self._settings, self._job = settings, job
        self._writer: StripWriter | None = None
        self._labeller: StripLabeller | None = None

    def add(self, batch: WindowBatch | Exception) -> StripResult | None:
        """Label a batch. Return the result if the strip has ended, by its last batch or by an error."""
        if isinstance(batch, InterruptedRunError):
            raise batch
        # A failure of one scene, whatever its cause, is reported and does not stop the others.
        try:
            if isinstance(batch, Exception):
                raise batch
            return self._label(batch)
        except Exception as error:
            self.discard()
            return StripResult(self._job, None, error)

    def discard(self) -> None:
        """Remove the files of an unfinished strip."""
        if self._writer:
            self._writer.discard()

    def _label(self, batch: WindowBatch) -> StripResult | None:
        settings, job = self._settings, self._job
        if self._writer is None or self._labeller is None:
            self._writer = StripWriter(job.folder, job.shape, settings.model.clusters, settings.strip_rasters)
            self._labeller = StripLabeller(settings, job.shape, job.columns, job.number, self._writer, job.scene.name)
        self._labeller.add(batch.windows)
        if not batch.last:
            return None
        facts = self._labeller.finish()
        self._writer.close(facts)
        return StripResult(job, facts)
