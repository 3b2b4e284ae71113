"""A rectangle of a scene, labelled from the windows of the scene's grid that reach into it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentclust.data.feed import to_float
from latentclust.data.open_feed import map_batch
from latentclust.data.rasters import BandReading, as_bytes
from latentclust.infer.posteriors import posterior_of
from latentclust.labelling.scenes.reader import fill_nodata
from latentclust.labelling.windows.grid import Grid, Span
from latentclust.labelling.windows.stitch import NO_DATA, PixelRows, StripShape, StripStitcher, label_type
from latentclust.labelling.windows.window_batches import WindowPixels
from latentclust.model.model import ClusteringModel
from latentclust.specs.data import VOID
from latentclust.tensors import Images


@dataclass(frozen=True, slots=True)
class Stretch:
    """Pixels of one axis, and the windows that decide them.

    Attributes:
        start: The first pixel read.
        stop: After the last pixel read.
        spans: The windows, counted from `start`.
        inside: The pixels within what the windows keep.
    """

    start: int
    stop: int
    spans: list[Span]
    inside: slice


def stretch(spans: Sequence[Span], first: int, stop: int) -> Stretch:
    """The pixels from `first` to before `stop`, of an axis that `spans` cover."""
    found = [span for span in spans if span.first < stop and span.last > first]
    start, end = min(span.start for span in found), max(span.stop for span in found)
    moved = [
        replace(s, start=s.start - start, stop=s.stop - start, first=s.first - start, last=s.last - start)
        for s in found
    ]
    return Stretch(start, end, moved, slice(first - found[0].first, stop - found[0].first))


@dataclass(frozen=True, slots=True)
class RegionLabeller:
    """How rectangles of one scene are labelled.

    Attributes:
        model: Gives the probabilities.
        bands: How it reads scenes.
        type: That of the values when they were in their file, by numpy's name.
        nodata: The value that is no data, beside NaN and infinities; None for no other.
        grid: The windows of the whole scene.
        seed: Of an inference that draws; every rectangle begins with it.
    """

    model: ClusteringModel
    bands: BandReading
    type: str
    nodata: float | None
    grid: Grid
    seed: int

    @property
    def label_type(self) -> np.dtype[np.signedinteger[Any]]:
        """That of the labels, which go down to -1."""
        return np.dtype(np.int16) if self.model.clusters <= np.iinfo(np.int16).max else np.dtype(np.int32)

    def label(self, values: NDArray[Any], rows: Stretch, columns: Stretch) -> NDArray[np.signedinteger[Any]]:
        """The clusters of the pixels inside, 0-based, -1 for no data.

        Args:
            values: All bands `(c, h, w)` of the pixels that `rows` and `columns` read.
            rows: Of the rectangle.
            columns: Of the rectangle.
        """
        shape = StripShape(rows.spans, (0, values.shape[2]), columns.spans[0].first, head=0, tail=0)
        side = max(span.last - span.first for span in columns.spans)
        found = _Labels(shape.width, label_type(self.model.clusters))
        strip = StripStitcher(shape, self.model.clusters, side, False, self.model.device, found)
        for piece, probabilities in self._labelled(self._pieces(values, rows, columns)):
            strip.add(piece.row, piece.column, probabilities, torch.from_numpy(piece.valid).to(self.model.device))
        strip.finish()
        across = slice(columns.spans[0].first + columns.inside.start, columns.spans[0].first + columns.inside.stop)
        labels = np.concatenate(found.found)[rows.inside, across].astype(self.label_type)
        return labels + (VOID - NO_DATA)

    def _pieces(self, values: NDArray[Any], rows: Stretch, columns: Stretch) -> Iterator[WindowPixels]:
        """The windows that hold data, as bytes."""
        for number, row in enumerate(rows.spans):
            for column in columns.spans:
                raw = values[:, row.start : row.stop, column.start : column.stop]
                raw = raw[[band - 1 for band in self.bands.bands]]
                valid = np.all(np.isfinite(raw), axis=0)
                if self.nodata is not None:
                    valid &= np.all(raw != self.nodata, axis=0)
                if valid.any():
                    image = as_bytes(np.where(valid, raw, 0).astype(self.type), valid, self.bands.ranges)
                    yield WindowPixels(number, column, image if valid.all() else fill_nodata(image, valid), valid)

    def _labelled(self, pieces: Iterator[WindowPixels]) -> Iterator[tuple[WindowPixels, Tensor]]:
        """Each window with its probabilities `(k, h, w)`."""
        model = self.model
        rng = torch.Generator(model.device).manual_seed(self.seed)
        size = map_batch(model.resolved.recipe.evaluate.batch_size, *self.grid.tile)
        for batch in _batches(pieces, size):
            raw = torch.from_numpy(np.stack([piece.image for piece in batch])).to(model.device)
            images = Images(model.preprocess(to_float(raw), rng))
            found = posterior_of(model.inference, model.model, images, model.state, rng, model.stride)
            yield from zip(batch, found.probabilities, strict=True)


def _batches(pieces: Iterator[WindowPixels], size: int) -> Iterator[list[WindowPixels]]:
    """Windows of one size, as many as fit a batch."""
    for _, alike in groupby(pieces, key=lambda piece: piece.image.shape):
        while batch := list(islice(alike, size)):
            yield batch


@final
class _Labels:
    """The finished pixel rows of a rectangle, top to bottom."""

    def __init__(self, width: int, kind: np.dtype[Any]) -> None:
        """None yet."""
        self.found: list[NDArray[Any]] = []
        self._width, self._kind = width, kind

    def sums(self, name: str, sums: Tensor | None) -> None:
        """A rectangle has no neighbours."""

    def rows(self, count: int, decided: PixelRows | None) -> None:
        """Keeps labels."""
        nothing = np.zeros((count, self._width), self._kind)
        self.found.append(nothing if decided is None else decided.labels)
