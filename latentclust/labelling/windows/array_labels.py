"""Labels of scenes in memory, by the same engine, windows and strips as those of raster files."""

from collections.abc import Sequence
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from latentclust.data.rasters import BandReading
from latentclust.labelling.label_settings import LabelSettings, make_settings
from latentclust.labelling.windows.grid import Span
from latentclust.labelling.windows.stitch import NO_DATA, PixelRows, StripShape, decide_labels
from latentclust.labelling.windows.strip_labeller import StripLabeller
from latentclust.labelling.windows.strips import PixelBounds, split_into_strips
from latentclust.labelling.windows.window_batches import ArrayWindows, WindowReader, batch_windows, read_windows
from latentclust.model.model import ClusteringModel
from latentclust.specs.data import VOID


def label_scene_array(
    model: ClusteringModel,
    image: NDArray[np.uint8],
    valid: NDArray[np.bool_],
    seed: int = 0,
    confidence: NDArray[np.uint8] | None = None,
) -> NDArray[np.signedinteger[Any]]:
    """Label a scene that was read into memory as bytes, with the default options of `label`.

    Args:
        model: Model of label maps.
        image: Bytes `(c, h, w)` of the bands that the model reads.
        valid: Pixels `(h, w)` that are not nodata.
        seed: Random seed of an inference that samples.
        confidence: Array `(h, w)` of zeros that receives the confidence of each pixel (see `PixelRows`), or None.

    Returns:
        Clusters `(h, w)`, 0-based; `VOID` for nodata pixels.

    Raises:
        LatentclustError: If the scene has other channels than the model reads.
    """
    model.check_shape(image.shape)
    channels = len(image)
    bands = BandReading(tuple(range(1, channels + 1)), (), (channels,), ("uint8",))
    source = ArrayWindows(image, bands, "uint8", valid=valid)
    return label_windows(model, source, valid.shape, seed, confidence)


def label_windows(
    model: ClusteringModel,
    source: ArrayWindows,
    extent: tuple[int, ...],
    seed: int = 0,
    confidence: NDArray[np.uint8] | None = None,
) -> NDArray[np.signedinteger[Any]]:
    """Label a scene in memory with the default options of `label`, as `label_scene_array` does.

    Args:
        model: Model of label maps.
        source: The scene, and how its bands are read.
        extent: Height and width of the scene in pixels.
        seed: Random seed of an inference that samples.
        confidence: Array of zeros that receives the confidence of each pixel, or None.
    """
    settings = make_settings(model, source.bands, seed=seed)
    height, width = extent
    rows, columns = settings.grid.rows(height), settings.grid.columns(width)
    return label_array(settings, source, rows, columns, PixelBounds(0, 0, height, width), "scene", confidence)


def array_label_type(clusters: int) -> np.dtype[np.signedinteger[Any]]:
    """Return the data type of labels in memory, which are negative for nodata pixels."""
    return np.dtype(np.int16) if clusters <= np.iinfo(np.int16).max else np.dtype(np.int32)


def label_array(
    settings: LabelSettings,
    source: WindowReader,
    rows: Sequence[Span],
    columns: Sequence[Span],
    bounds: PixelBounds,
    name: str,
    confidence: NDArray[np.uint8] | None = None,
) -> NDArray[np.signedinteger[Any]]:
    """Label the pixels of a scene within `bounds`.

    Args:
        settings: Settings of the run.
        source: Scene, or the part of it that the windows read.
        rows: Rows of the grid that overlap `bounds`.
        columns: Columns of the grid that overlap `bounds`.
        bounds: Pixels to be labelled.
        name: Name of the scene, for messages.
        confidence: Array of zeros like the labels that receives the confidence of each pixel, or None.

    Returns:
        Clusters `(h, w)` of the pixels within `bounds`, 0-based; `VOID` for nodata pixels.

    Raises:
        LatentclustError: If the model returns probabilities that are not finite.
    """
    clusters = settings.model.clusters
    labels = np.full((bounds.height, bounds.width), VOID, array_label_type(clusters))
    sink = _ArraySink(labels, bounds.top, confidence)
    for number, shape in enumerate(split_into_strips(rows, columns, bounds)):
        sink.start(shape)
        labeller = StripLabeller(settings, shape, columns, number, sink, name)
        for batch in batch_windows(read_windows(source, shape.rows, columns), settings.batch):
            labeller.add(batch.windows)
        labeller.finish()
    return sink.labels


@final
class _ArraySink:
    """A sink that writes the pixel rows of consecutive strips to an array."""

    def __init__(
        self, labels: NDArray[np.signedinteger[Any]], top: int, confidence: NDArray[np.uint8] | None = None
    ) -> None:
        """Write to arrays whose first row is the row `top` of the scene. The labels are `VOID` so far."""
        self.labels, self._top, self._confidence = labels, top, confidence
        self._row = self._head = 0
        self._tail: Tensor | None = None

    def start(self, shape: StripShape) -> None:
        """Start the next strip."""
        self._row, self._head = shape.rows[0].first, shape.head

    def sums(self, name: Literal["head", "tail"], sums: Tensor | None) -> None:
        """Keep the sums of rows shared with the strip below, or add them to those shared with the strip above."""
        if name == "tail":
            self._tail = sums
            return
        parts = [part for part in (self._tail, sums) if part is not None]
        self.rows(self._head, decide_labels(sum(parts[1:], start=parts[0]), probabilities=False) if parts else None)

    def rows(self, count: int, decided: PixelRows | None) -> None:
        """Write finished pixel rows, except those outside the array."""
        first, last = max(self._row, self._top), min(self._row + count, self._top + len(self.labels))
        if decided is not None and first < last:
            of_strip, of_array = (slice(first - start, last - start) for start in (self._row, self._top))
            self.labels[of_array] = decided.labels[of_strip].astype(self.labels.dtype) + (VOID - NO_DATA)
            if self._confidence is not None:
                self._confidence[of_array] = decided.confidence[of_strip]
        self._row += count
