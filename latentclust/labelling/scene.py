"""One scene from its file to finished rasters: windows read ahead, labelled in batches, stitched and written."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from latentclust.data.feed import to_float
from latentclust.infer.read import posteriors
from latentclust.labelling.bands import fit_bands
from latentclust.labelling.feed import Piece, Plan, ahead, batches_of, pieces_of
from latentclust.labelling.inputs import Scene
from latentclust.labelling.outcome import Watcher
from latentclust.labelling.reading import opened
from latentclust.labelling.stitch import Strip, label_type
from latentclust.labelling.write import Georeference, Palette, Rows, cloud_optimized, growing
from latentclust.tensors import Images


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


def label_scene(plan: Plan, scene: Scene, partial: Path, stopping: Callable[[], bool], watcher: Watcher) -> Drafts:
    """Labels a scene into the folder of temporary files.

    Memory: 4 (K + 1) bytes for each pixel of a strip as high as a window, and three batches of windows.

    Raises:
        LatentclustError: A scene that is damaged or does not suit the model, or a file that cannot be written.
        InterruptedRunError: A stop was asked for.
    """
    names = ["labels", "confidence"] if plan.confidence else ["labels"]
    with opened(scene) as file:
        fit = fit_bands(file, plan.bands, scene.name)
        plan = replace(plan, bands=fit.bands)
        where = Georeference.of(file)
        kinds: dict[str, tuple[np.dtype[Any], Palette | None]] = {
            "labels": (label_type(plan.model.clusters), plan.palette),
            "confidence": (np.dtype(np.uint8), None),
        }
        with ExitStack() as stack:
            drafts = {n: stack.enter_context(growing(partial / f"{n}-draft.tif", where, *kinds[n])) for n in names}
            pixels, windows = _fill(plan, file, scene.name, drafts, stopping, watcher)
        found = {name: partial / f"{name}.tif" for name in names}
        cloud_optimized(partial / "labels-draft.tif", found["labels"], "MODE", where, pixels)
        if plan.confidence:
            cloud_optimized(partial / "confidence-draft.tif", found["confidence"], "AVERAGE", where, pixels)
    odd = () if where.place.get("crs") or where.points[0] else ("no coordinate system",)
    nothing = () if pixels else ("no pixel of data",)
    nodata = where.extent[0] * where.extent[1] - pixels
    return Drafts(found["labels"], found.get("confidence"), pixels, nodata, windows, fit.warnings + odd + nothing)


def _fill(
    plan: Plan,
    file: DatasetReader,
    name: str,
    drafts: dict[str, Rows],
    stopping: Callable[[], bool],
    watcher: Watcher,
) -> tuple[int, int]:
    """Writes every row of the drafts; returns the pixels labelled and the windows that the model read."""
    rows, columns = plan.grid.rows(file.height), plan.grid.columns(file.width)
    watcher.scene_begun(name, len(rows) * len(columns))
    strip = Strip(rows, plan.model.clusters, file.width)
    pieces = pieces_of(plan, file, name, stopping, watcher)
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


def _labelled(plan: Plan, pieces: Iterator[Piece]) -> Iterator[tuple[Piece, NDArray[np.float32]]]:
    """Each window with its probabilities `(k, h, w)`."""
    model = plan.model
    rng = torch.Generator(model.device).manual_seed(plan.seed)
    waiting: deque[list[Piece]] = deque()

    def images() -> Iterator[Images]:
        for batch in ahead(batches_of(pieces, plan.batch)):
            waiting.append(batch)
            raw = torch.from_numpy(np.stack([piece.image for piece in batch])).to(model.device)
            yield model.preprocess(to_float(raw), rng)

    for posterior in posteriors(model.inference, model.model, model.state, images(), rng, model.stride):
        yield from zip(waiting.popleft(), posterior.probabilities.numpy(), strict=True)
