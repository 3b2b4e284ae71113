"""A random sample of the windows of scenes, labelled: what their clusters look like, without reading them whole."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import final

import numpy as np
from numpy.typing import NDArray

from latentclust.data.open_feed import map_batch
from latentclust.data.rasters import BandReading
from latentclust.errors import LatentclustError
from latentclust.labelling.scenes.bands import match_bands
from latentclust.labelling.scenes.inputs import Scene
from latentclust.labelling.scenes.reader import band_reading, open_raster, read_filled_window
from latentclust.labelling.windows.grid import Grid, Span, make_grid
from latentclust.model.model import ClusteringModel

PIXELS = 2**21
"""About how many pixels are read; a window counts those of all its bands over `SHOWN`."""

FEWEST, MOST = 16, 256
"""Windows that are read, whatever their size."""

TRIES = 8
"""Windows that are looked at for each one wanted, where many hold no data."""

SHOWN = 3
"""Bands that are shown, at most: the first ones."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A labelled window.

    Attributes:
        scene: Its scene, by number.
        origin: Row and column of its first pixel in the scene.
        image: Its first bands as the model reads them, `(c, h, w)`.
        labels: Clusters from 1, `(h, w)`; 0 where there is no data.
        certainty: The probability of the cluster, `(h, w)`.
        kept: The part of it that no other window has.
    """

    scene: int
    origin: tuple[int, int]
    image: NDArray[np.uint8]
    labels: NDArray[np.int32]
    certainty: NDArray[np.float32]
    kept: tuple[slice, slice]


@dataclass(frozen=True, slots=True)
class Survey:
    """What was seen of scenes.

    Attributes:
        sights: The labelled windows.
        counts: Pixels of each cluster in the kept parts, `(K,)`.
        scenes: How many scenes there were.
    """

    sights: tuple[Sight, ...]
    counts: NDArray[np.int64]
    scenes: int

    @property
    def pixels(self) -> int:
        """Pixels of data in the kept parts."""
        return int(self.counts.sum())


def survey(
    model: ClusteringModel,
    scenes: Sequence[Scene],
    margin: int,
    seed: int = 0,
    seen: Callable[[int, int], None] = lambda done, wanted: None,
) -> Survey:
    """Labels windows drawn at random over all scenes, at least as large as the training images.

    Args:
        model: Of label maps.
        scenes: Where windows are drawn.
        margin: Pixels about a kept pixel that its window holds too, unless the scene ends there.
        seed: Of the draw, and of an inference that draws.
        seen: Hears how many of the windows are labelled.

    Raises:
        LatentclustError: A scene that cannot be read or does not suit the model, or scenes without any data.
    """
    bands = band_reading(model, "model")
    grid = survey_grid(model, margin)
    cost = grid.tile[0] * grid.tile[1] * max(1, len(bands.bands) // SHOWN)
    wanted = min(max(PIXELS // cost, FEWEST), MOST)
    frame = _Frame.of(scenes, bands, grid)
    draw = np.random.default_rng(seed).choice(frame.count, min(frame.count, TRIES * wanted), replace=False)
    sights: list[Sight] = []
    start = 0
    while start < len(draw) and len(sights) < wanted:
        stop = start + wanted - len(sights)
        for batch in frame.read(np.sort(draw[start:stop]), model):
            sights += _labelled(model, batch, seed)
            seen(len(sights), min(wanted, frame.count))
        start = stop
    counts = sum((_counted(sight, model.clusters) for sight in sights), np.zeros(model.clusters, np.int64))
    if not counts.any():
        what = f"no pixel of data in {len(draw):,} windows of {len(scenes):,} scenes"
        raise LatentclustError.at("SCENES", what, "Name scenes that hold data")
    return Survey(tuple(sights), counts, len(scenes))


def survey_grid(model: ClusteringModel, margin: int) -> Grid:
    """Windows at least as large as the training images, that share twice a margin."""
    trained = make_grid(model, None, None, "crop")
    shared = _least(2 * margin, trained.stride)
    side = max(trained.tile[0], 2 * shared), max(trained.tile[1], 2 * shared)
    return Grid(side, (shared, shared), (0, 0), trained.stride, "crop", trained.radius)


@dataclass(frozen=True, slots=True)
class _Window:
    """A window that was read: of which scene, its rows and columns, its bytes `(c, h, w)` and where they are data."""

    scene: int
    spans: tuple[Span, Span]
    image: NDArray[np.uint8]
    valid: NDArray[np.bool_]


@final
@dataclass(frozen=True, slots=True)
class _Frame:
    """All windows of all scenes, numbered through."""

    scenes: Sequence[Scene]
    bands: tuple[BandReading, ...]
    rows: tuple[list[Span], ...]
    columns: tuple[list[Span], ...]

    @classmethod
    def of(cls, scenes: Sequence[Scene], bands: BandReading, grid: Grid) -> "_Frame":
        """Opens every scene once, for its size."""
        rows, columns, fitted = [], [], []
        for scene in scenes:
            with open_raster(scene) as file:
                fitted.append(match_bands(file, bands, scene.name).bands)
                rows.append(grid.rows(file.height))
                columns.append(grid.columns(file.width))
        return cls(scenes, tuple(fitted), tuple(rows), tuple(columns))

    @property
    def ends(self) -> NDArray[np.int64]:
        """After the last window of each scene."""
        return np.cumsum([len(rows) * len(columns) for rows, columns in zip(self.rows, self.columns, strict=True)])

    @property
    def count(self) -> int:
        """How many windows there are."""
        return int(self.ends[-1])

    def read(self, numbers: NDArray[np.int64], model: ClusteringModel) -> Iterator[list[_Window]]:
        """Windows, in order, in batches of one size and of as many pixels as the recipe's; empty ones are left out."""
        pixels = model.resolved.recipe.evaluate.batch_size * model.raw_shape[1] * model.raw_shape[2]
        for _, same in groupby(self._windows(numbers), lambda window: window.image.shape):
            batch: list[_Window] = []
            for window in same:
                batch.append(window)
                if len(batch) >= map_batch(pixels // window.valid.size, *window.valid.shape):
                    yield batch
                    batch = []
            if batch:
                yield batch

    def _windows(self, numbers: NDArray[np.int64]) -> Iterator[_Window]:
        owners = np.searchsorted(self.ends, numbers, side="right")
        for scene, numbered in groupby(zip(owners.tolist(), numbers.tolist(), strict=True), lambda pair: pair[0]):
            rows, columns = self.rows[scene], self.columns[scene]
            first = int(self.ends[scene]) - len(rows) * len(columns)
            with open_raster(self.scenes[scene]) as file:
                for _, number in numbered:
                    row, column = rows[(number - first) // len(columns)], columns[(number - first) % len(columns)]
                    found = read_filled_window(file, self.bands[scene], row, column, self.scenes[scene].name)
                    if found:
                        yield _Window(scene, (row, column), *found)


def _labelled(model: ClusteringModel, batch: list[_Window], seed: int) -> list[Sight]:
    posterior = model.predict(np.stack([window.image for window in batch]), len(batch), seed)
    clusters, certainties = posterior.labels.numpy() + 1, posterior.confidence.numpy()
    sights = []
    for window, cluster, certainty in zip(batch, clusters, certainties, strict=True):
        row, column = window.spans
        labels = np.where(window.valid, cluster, 0).astype(np.int32)
        kept, origin = (row.kept, column.kept), (row.start, column.start)
        sights.append(Sight(window.scene, origin, window.image[:SHOWN].copy(), labels, certainty, kept))
    return sights


def _counted(sight: Sight, clusters: int) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = np.bincount(sight.labels[sight.kept].ravel(), minlength=clusters + 1)[1:]
    return counts


def _least(pixels: int, stride: int) -> int:
    """The least multiple of a stride that is no less."""
    return -(-pixels // stride) * stride
