"""One scene from its file to finished rasters: windows read ahead, labelled in batches, stitched and written."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from latentclust.data.feed import to_float
from latentclust.errors import InterruptedRunError
from latentclust.infer.read import posteriors
from latentclust.labelling.outcome import Watcher
from latentclust.labelling.reading import check_bands, opened, read_filled
from latentclust.labelling.stitch import Strip, label_type
from latentclust.labelling.windows import Grid, Span
from latentclust.labelling.write import Georeference, Palette, Rows, cloud_optimized, growing
from latentclust.model import ClusteringModel
from latentclust.rasters import BandReading
from latentclust.tensors import Images


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


@dataclass(frozen=True, slots=True)
class Drafts:
    """What was made of a scene, under temporary names.

    Attributes:
        labels: The label raster.
        confidence: The confidence raster; None unless asked for.
        pixels: Pixels labelled.
        nodata: Pixels without data.
        windows: Windows that the model read.
        warnings: What is odd about the scene.
    """

    labels: Path
    confidence: Path | None
    pixels: int
    nodata: int
    windows: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A window that was read: its row in the grid, its columns, its bytes `(c, h, w)` and where they are data."""

    row: int
    column: Span
    image: NDArray[np.uint8]
    valid: NDArray[np.bool_]


def label_scene(plan: Plan, path: Path, partial: Path, stopping: Callable[[], bool], watcher: Watcher) -> Drafts:
    """Labels a scene into the folder of temporary files.

    Memory: 4 (K + 1) bytes for each pixel of a strip as high as a window, and three batches of windows.

    Raises:
        LatentclustError: A scene that is damaged or does not suit the model, or a file that cannot be written.
        InterruptedRunError: A stop was asked for.
    """
    names = ["labels", "confidence"] if plan.confidence else ["labels"]
    with opened(path) as file:
        check_bands(file, plan.bands, path)
        where = Georeference.of(file)
        kinds: dict[str, tuple[np.dtype[Any], Palette | None]] = {
            "labels": (label_type(plan.model.clusters), plan.palette),
            "confidence": (np.dtype(np.uint8), None),
        }
        with ExitStack() as stack:
            drafts = {n: stack.enter_context(growing(partial / f"{n}-draft.tif", where, *kinds[n])) for n in names}
            pixels, windows = _fill(plan, file, path, drafts, stopping, watcher)
        found = {name: partial / f"{name}.tif" for name in names}
        cloud_optimized(partial / "labels-draft.tif", found["labels"], "MODE", where, pixels)
        if plan.confidence:
            cloud_optimized(partial / "confidence-draft.tif", found["confidence"], "AVERAGE", where, pixels)
    odd = () if where.place.get("crs") or where.points[0] else ("no coordinate system",)
    nothing = () if pixels else ("no pixel of data",)
    nodata = where.extent[0] * where.extent[1] - pixels
    return Drafts(found["labels"], found.get("confidence"), pixels, nodata, windows, odd + nothing)


def _fill(
    plan: Plan,
    file: DatasetReader,
    path: Path,
    drafts: dict[str, Rows],
    stopping: Callable[[], bool],
    watcher: Watcher,
) -> tuple[int, int]:
    """Writes every row of the drafts; returns the pixels labelled and the windows that the model read."""
    rows, columns = plan.grid.rows(file.height), plan.grid.columns(file.width)
    watcher.scene_begun(str(path), len(rows) * len(columns))
    strip = Strip(rows, plan.model.clusters, file.width)
    pieces = _pieces(plan, file, path, stopping, watcher)
    pixels = windows = finished = 0

    def finish(until: int) -> int:
        """Writes the grid's rows before `until` that are not written yet; returns the pixels labelled."""
        count = 0
        for row in range(finished, until):
            labels, confidence = strip.finish(row)
            drafts["labels"].append(labels)
            if plan.confidence:
                drafts["confidence"].append(confidence)
            count += int(np.count_nonzero(labels))
        return count

    for piece, probabilities in _labelled(plan, pieces):
        pixels += finish(piece.row)
        finished = max(finished, piece.row)
        strip.add(piece.row, piece.column, probabilities, piece.valid)
        windows += 1
    pixels += finish(len(rows))
    return pixels, windows


def _pieces(
    plan: Plan, file: DatasetReader, path: Path, stopping: Callable[[], bool], watcher: Watcher
) -> Iterator[Piece]:
    """The windows of a scene in the order of the grid; those that are nowhere data are left out."""
    for number, row in enumerate(plan.grid.rows(file.height)):
        for column in plan.grid.columns(file.width):
            if stopping():
                raise InterruptedRunError.at(str(path), "stopped", "The same command goes on with it")
            found = read_filled(file, plan.bands, row, column, path)
            watcher.windows_done(1, found[1].size if found else 0)
            if found:
                yield Piece(number, column, *found)


def _labelled(plan: Plan, pieces: Iterator[Piece]) -> Iterator[tuple[Piece, NDArray[np.float32]]]:
    """Each window with its probabilities `(k, h, w)`."""
    model = plan.model
    rng = torch.Generator(model.device).manual_seed(plan.seed)
    waiting: deque[list[Piece]] = deque()

    def images() -> Iterator[Images]:
        for batch in _ahead(_batches(pieces, plan.batch)):
            waiting.append(batch)
            raw = torch.from_numpy(np.stack([piece.image for piece in batch])).to(model.device)
            yield model.preprocess(to_float(raw), rng)

    for posterior in posteriors(model.inference, model.model, model.state, images(), rng, model.stride):
        yield from zip(waiting.popleft(), posterior.probabilities.numpy(), strict=True)


def _batches(pieces: Iterator[Piece], size: int) -> Iterator[list[Piece]]:
    """Windows of one size, as many as fit a batch."""
    batch: list[Piece] = []
    for piece in pieces:
        if batch and (len(batch) == size or piece.image.shape != batch[0].image.shape):
            yield batch
            batch = []
        batch.append(piece)
    if batch:
        yield batch


def _ahead(batches: Iterator[list[Piece]]) -> Iterator[list[Piece]]:
    """The same, the next one being read while one is in use."""
    with ThreadPoolExecutor(1, "read-ahead") as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch
