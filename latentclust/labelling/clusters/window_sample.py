"""A random sample of labelled windows of scenes, taken without reading large scenes completely."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from typing import final

import numpy as np
from numpy.typing import NDArray

from latentclust.data.open_feed import map_batch
from latentclust.data.rasters import BandReading
from latentclust.data.scenes.bands import BandMatch
from latentclust.data.scenes.opening import open_raster
from latentclust.data.sources import ArraySource
from latentclust.data.tiled import ArrayMasks
from latentclust.errors import Issue, LatentclustError, raise_all
from latentclust.labelling.chosen_scenes import ChosenScenes, match_scene
from latentclust.labelling.scenes.reader import read_filled_window
from latentclust.labelling.scheduler import failure_reason
from latentclust.labelling.windows.grid import Grid, Span, make_grid
from latentclust.model.model import ClusteringModel
from latentclust.specs.scenes import Scene

PIXELS = 2**21
"""Approximate number of pixels to read. A pixel of more than `MAX_BANDS_SHOWN` bands counts several times."""

MIN_WINDOWS, MAX_WINDOWS = 16, 256
"""Bounds of the number of windows, whatever their size."""

MAX_TRIES = 8
"""Maximum number of windows to read for each requested one, if many have no valid pixels."""

MAX_BANDS_SHOWN = 3
"""Maximum number of bands to show."""


@dataclass(frozen=True, slots=True)
class SampledWindow:
    """A labelled window.

    Attributes:
        scene: Index of the scene.
        origin: Row and column of the first pixel in the scene.
        image: The bands that pictures show, as the model reads them, `(c, h, w)`.
        labels: Clusters counted from 1, `(h, w)`; 0 for nodata pixels.
        certainty: Probability of the cluster of each pixel, `(h, w)`.
        kept: Rows and columns of the part that no other window contains.
    """

    scene: int
    origin: tuple[int, int]
    image: NDArray[np.uint8]
    labels: NDArray[np.int32]
    certainty: NDArray[np.float32]
    kept: tuple[slice, slice]


@dataclass(frozen=True, slots=True)
class WindowSample:
    """A sample of labelled windows.

    Attributes:
        windows: The labelled windows.
        counts: Number of pixels of each cluster in the kept parts, `(K,)`.
        scenes: Number of scenes that were read.
        left_out: Reason for each scene that could not be read, or not completely.
        warnings: Warnings about the bands of scenes, each with the scene's name.
    """

    windows: tuple[SampledWindow, ...]
    counts: NDArray[np.int64]
    scenes: int
    left_out: tuple[Issue, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def pixels(self) -> int:
        """Number of valid pixels in the kept parts."""
        return int(self.counts.sum())


def sample_windows(
    model: ClusteringModel,
    chosen: ChosenScenes,
    margin: int,
    seed: int = 0,
    on_progress: Callable[[int, int], None] = lambda done, wanted: None,
) -> WindowSample:
    """Label windows drawn at random over all scenes. Windows are at least as large as the training images.

    A scene that cannot be read or does not match the model is left out.

    Args:
        model: A model of label maps.
        chosen: The scenes to draw windows from, and how they are read.
        margin: Number of pixels around a kept pixel that its window contains too, up to the border of the scene.
        seed: Random seed of the draw, and of inference that samples.
        on_progress: Called with the number of labelled windows and the number of requested windows.

    Raises:
        LatentclustError: If no scene can be read, or none has valid pixels.
    """
    bands, scenes = chosen.bands, chosen.scenes
    grid = sample_grid(model, margin)
    cost = grid.tile[0] * grid.tile[1] * max(1, len(bands.bands) // MAX_BANDS_SHOWN)
    wanted = min(max(PIXELS // cost, MIN_WINDOWS), MAX_WINDOWS)
    pool = _WindowPool.open(chosen, grid)
    if not pool.count:
        raise_all(pool.issues)
    draw = np.random.default_rng(seed).choice(pool.count, min(pool.count, MAX_TRIES * wanted), replace=False)
    windows: list[SampledWindow] = []
    start = 0
    while start < len(draw) and len(windows) < wanted:
        stop = start + wanted - len(windows)
        for batch in pool.read(np.sort(draw[start:stop]), model):
            windows += _label(model, batch, seed)
            on_progress(len(windows), min(wanted, pool.count))
        start = stop
    counts = sum((_cluster_counts(window, model.clusters) for window in windows), np.zeros(model.clusters, np.int64))
    if not counts.any():
        what = f"no valid pixel in {len(draw):,} windows of {len(scenes):,} scenes"
        raise LatentclustError(*pool.issues, Issue("SCENES", what, "Pass scenes with valid pixels"))
    read = sum(1 for columns in pool.columns if columns)
    return WindowSample(tuple(windows), counts, read, pool.issues, tuple(pool.warnings))


def sample_grid(model: ClusteringModel, margin: int) -> Grid:
    """Return a grid of windows at least as large as the training images, with an overlap of twice the margin."""
    trained = make_grid(model, None, None, "crop")
    shared = _round_up(2 * margin, trained.stride)
    side = max(trained.tile[0], 2 * shared), max(trained.tile[1], 2 * shared)
    return Grid(side, (shared, shared), (0, 0), trained.stride, "crop", trained.radius)


@dataclass(frozen=True, slots=True)
class _Window:
    """A window that was read.

    Attributes:
        scene: Index of the scene.
        spans: Rows and columns of the window.
        image: Pixel values, `(c, h, w)`.
        valid: Whether each pixel is valid, `(h, w)`.
    """

    scene: int
    spans: tuple[Span, Span]
    image: NDArray[np.uint8]
    valid: NDArray[np.bool_]


@final
@dataclass(frozen=True, slots=True)
class _WindowPool:
    """All windows of all scenes, numbered consecutively.

    Attributes:
        scenes: The scenes.
        bands: Bands and value ranges that the model reads from each scene.
        rows: Row spans of the windows of each scene; none if it cannot be opened.
        columns: Column spans of the windows of each scene; none if it cannot be opened.
        left_out: Reasons, by name, for scenes that could not be read, or not completely. It grows with reading.
        warnings: Warnings about the bands of scenes.
    """

    scenes: Sequence[Scene]
    bands: tuple[BandReading, ...]
    rows: tuple[list[Span], ...]
    columns: tuple[list[Span], ...]
    left_out: dict[str, tuple[Issue, ...]]
    warnings: list[str]

    @classmethod
    def open(cls, chosen: ChosenScenes, grid: Grid) -> "_WindowPool":
        """Open each scene once to read its size."""
        pool = cls(chosen.scenes, (), (), (), {}, [])
        fitted: list[BandReading] = []
        rows: list[list[Span]] = []
        columns: list[list[Span]] = []
        for scene in chosen.scenes:
            match, height, width = BandMatch(chosen.bands, ()), 0, 0
            with pool.leaving_out(scene), open_raster(scene) as file:
                match = match_scene(file, scene, chosen.bands, chosen.normalisation)
                height, width = file.height, file.width
            pool.warnings.extend(f"{scene.name}: {text}" for text in match.warnings)
            fitted.append(match.bands)
            rows.append(grid.rows(height) if height else [])
            columns.append(grid.columns(width) if width else [])
        return replace(pool, bands=tuple(fitted), rows=tuple(rows), columns=tuple(columns))

    @contextmanager
    def leaving_out(self, scene: Scene) -> Iterator[None]:
        """Record the reason if a scene cannot be read, and go on with the others."""
        try:
            yield
        # As in `label`, a scene that fails, whatever the reason, does not stop the others.
        except Exception as error:
            own = error.issues if isinstance(error, LatentclustError) else ()
            self.left_out[scene.name] = own or (Issue(scene.name, failure_reason(error), "Check the file"),)

    @property
    def issues(self) -> tuple[Issue, ...]:
        """All reasons for scenes that were left out."""
        return tuple(issue for issues in self.left_out.values() for issue in issues)

    @property
    def ends(self) -> NDArray[np.int64]:
        """Number of the window after the last one of each scene, `(n,)`."""
        return np.cumsum([len(rows) * len(columns) for rows, columns in zip(self.rows, self.columns, strict=True)])

    @property
    def count(self) -> int:
        """Number of windows."""
        return int(self.ends[-1])

    def read(self, numbers: NDArray[np.int64], model: ClusteringModel) -> Iterator[list[_Window]]:
        """Yield the numbered windows in batches of equal size, without those that have no valid pixels.

        A batch has as many pixels as an evaluation batch of the recipe.
        """
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
            places = [divmod(number - first, len(columns)) for _, number in numbered]
            yield from self._scene_windows(scene, [(rows[down], columns[across]) for down, across in places])

    def _scene_windows(self, number: int, places: Sequence[tuple[Span, Span]]) -> Iterator[_Window]:
        """Yield the windows of a scene that have valid pixels, up to the first that cannot be read."""
        scene = self.scenes[number]
        if scene.name in self.left_out:
            return
        with self.leaving_out(scene), open_raster(scene) as file:
            for row, column in places:
                found = read_filled_window(file, self.bands[number], row, column, scene.name)
                if found:
                    yield _Window(number, (row, column), *found)


def _label(model: ClusteringModel, batch: list[_Window], seed: int) -> list[SampledWindow]:
    source = ArraySource(np.stack([window.image for window in batch]))
    masks = ArrayMasks(np.stack([window.valid for window in batch]))
    clusters: list[NDArray[np.int64]] = []
    certainties: list[NDArray[np.float32]] = []
    for posterior in model.posteriors(source, len(batch), seed, masks=masks):
        clusters.extend(posterior.labels.numpy() + 1)
        certainties.extend(posterior.confidence.numpy())
    labelled = []
    for window, cluster, certainty in zip(batch, clusters, certainties, strict=True):
        row, column = window.spans
        labels = np.where(window.valid, cluster, 0).astype(np.int32)
        kept, origin = (row.kept, column.kept), (row.start, column.start)
        image = model.shown(window.image)
        labelled.append(SampledWindow(window.scene, origin, image, labels, certainty, kept))
    return labelled


def _cluster_counts(window: SampledWindow, clusters: int) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = np.bincount(window.labels[window.kept].ravel(), minlength=clusters + 1)[1:]
    return counts


def _round_up(pixels: int, stride: int) -> int:
    """Round up to a multiple of the stride."""
    return -(-pixels // stride) * stride
