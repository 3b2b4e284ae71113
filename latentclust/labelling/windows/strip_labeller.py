"""Strips labelled in this process: read ahead, through the model in batches, stitched and written."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor

from latentclust.data.feed import to_float
from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.infer.posteriors import posterior_of
from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.windows.stitch import StripStitcher
from latentclust.labelling.windows.strip_files import StripFacts, StripWriter
from latentclust.labelling.windows.window_batches import (
    ShouldStop,
    StripJob,
    WindowBatch,
    WindowPixels,
    prefetch,
    window_batches,
)
from latentclust.train.precision import Precision

Progress = Callable[[StripJob, int, int], None]
"""Hears of a strip how many windows are passed, and how many pixels the model read."""


@dataclass(frozen=True, slots=True)
class StripResult:
    """What became of a strip.

    Attributes:
        job: The strip.
        facts: What was counted; None where it failed.
        error: Why it failed.
    """

    job: StripJob
    facts: StripFacts | None
    error: Exception | None = None


def label_strips(
    settings: LabelSettings, jobs: Iterable[StripJob], should_stop: ShouldStop, progress: Progress
) -> Iterator[StripResult]:
    """Labels strips one after the other; the next windows are read while the model is at work.

    Raises:
        InterruptedRunError: A stop was asked for; what was begun is removed.
    """
    work: _StripLabeller | None = None
    try:
        for batch in prefetch(window_batches(settings, jobs, should_stop)):
            if should_stop():
                raise InterruptedRunError.at(batch.job.scene.name, "stopped", "The same command goes on with it")
            if batch.first:
                work = _StripLabeller(settings, batch.job)
            if work is None:  # the strip has failed already
                continue
            ended = work.take(batch)
            progress(batch.job, batch.passed, sum(piece.valid.size for piece in batch.pieces))
            if ended:
                work = None
                yield ended
    finally:
        if work:
            work.discard()


@final
class _StripLabeller:
    """A strip at work."""

    def __init__(self, settings: LabelSettings, job: StripJob) -> None:
        """Begins with its first batch."""
        self.settings, self.job = settings, job
        self.windows = self.pixels = 0
        self._precision = Precision(settings.precision, settings.model.device)
        self._rng = torch.Generator(settings.model.device).manual_seed(_seed(settings.seed, job.number))
        self._writer: StripWriter | None = None
        self._strip: StripStitcher | None = None

    def take(self, batch: WindowBatch) -> StripResult | None:
        """Labels a batch; what became of the strip, when it has ended."""
        if isinstance(batch.error, InterruptedRunError):
            raise batch.error
        # Whatever is wrong with one scene is told, and stops no other.
        try:
            if batch.error:
                raise batch.error
            self._label(batch.pieces)
            return self._finish() if batch.last else None
        except Exception as error:
            self.discard()
            return StripResult(self.job, None, error)

    def discard(self) -> None:
        """Removes what was written of the strip."""
        if self._writer:
            self._writer.discard()

    def _begin(self) -> tuple[StripWriter, StripStitcher]:
        settings, job = self.settings, self.job
        if self._writer is None or self._strip is None:
            clusters, device = settings.model.clusters, settings.model.device
            self._writer = StripWriter(job.folder, job.shape, clusters, settings.rasters)
            side = max(column.last - column.first for column in job.columns)
            every = "probabilities" in settings.rasters
            self._strip = StripStitcher(job.shape, clusters, side, every, device, self._writer)
        return self._writer, self._strip

    def _label(self, pieces: tuple[WindowPixels, ...]) -> None:
        _, strip = self._begin()
        if not pieces:
            return
        device = self.settings.model.device
        found = self._posterior(torch.from_numpy(np.stack([piece.image for piece in pieces])).to(device))
        for piece, probabilities in zip(pieces, found, strict=True):
            strip.add(piece.row, piece.column, probabilities, torch.from_numpy(piece.valid).to(device))
        self.windows += len(pieces)
        self.pixels += sum(piece.valid.size for piece in pieces)

    def _posterior(self, raw: Tensor) -> Tensor:
        model = self.settings.model
        images = model.preprocess(to_float(raw), self._rng)
        with self._precision.forward():
            found = posterior_of(model.inference, model.model, images, model.state, self._rng, model.stride)
        if not bool(found.probabilities.isfinite().all()):
            what = f"the model gives probabilities that are no numbers, in {self.settings.precision}"
            raise LatentclustError.at(self.job.scene.name, what, "Try --precision fp32, or train the model anew")
        return found.probabilities

    def _finish(self) -> StripResult:
        writer, strip = self._begin()
        strip.finish()
        facts = StripFacts(self.windows, self.pixels)
        writer.close(facts)
        return StripResult(self.job, facts)


def _seed(seed: int, strip: int) -> int:
    return int(np.random.SeedSequence((seed, strip)).generate_state(1)[0])
