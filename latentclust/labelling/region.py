"""A rectangle of a scene, labelled from the windows of the scene's grid that reach into it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latentclust.data.feed import to_float
from latentclust.infer.read import map_batch, posteriors
from latentclust.labelling.feed import Piece, batches_of
from latentclust.labelling.reading import filled
from latentclust.labelling.stitch import NO_DATA, Strip
from latentclust.labelling.windows import Grid, Span
from latentclust.model import ClusteringModel
from latentclust.rasters import BandReading, as_bytes
from latentclust.samples import VOID
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
        strip = Strip(rows.spans, self.model.clusters, values.shape[2])
        found, finished = [], 0
        for piece, probabilities in self._labelled(self._pieces(values, rows, columns)):
            found += [strip.finish(row)[0] for row in range(finished, piece.row)]
            finished = piece.row
            strip.add(piece.row, piece.column, probabilities, piece.valid)
        found += [strip.finish(row)[0] for row in range(finished, len(rows.spans))]
        across = slice(columns.spans[0].first + columns.inside.start, columns.spans[0].first + columns.inside.stop)
        labels = np.concatenate(found)[rows.inside, across].astype(self.label_type)
        return labels + (VOID - NO_DATA)

    def _pieces(self, values: NDArray[Any], rows: Stretch, columns: Stretch) -> Iterator[Piece]:
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
                    yield Piece(number, column, image if valid.all() else filled(image, valid), valid)

    def _labelled(self, pieces: Iterator[Piece]) -> Iterator[tuple[Piece, NDArray[np.float32]]]:
        """Each window with its probabilities `(k, h, w)`."""
        model = self.model
        rng = torch.Generator(model.device).manual_seed(self.seed)
        size = map_batch(model.resolved.recipe.evaluate.batch_size, *self.grid.tile)
        for batch in batches_of(pieces, size):
            raw = torch.from_numpy(np.stack([piece.image for piece in batch])).to(model.device)
            images = Images(model.preprocess(to_float(raw), rng))
            (posterior,) = posteriors(model.inference, model.model, model.state, [images], rng, model.stride)
            yield from zip(batch, posterior.probabilities.numpy(), strict=True)
