"""Overviews of scenes that have none, made in the background in a temporary folder while near tiles are drawn."""

import math
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np
import rasterio
from rasterio.enums import MaskFlags
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from rasterio.windows import Window

from latentclust.errors import InterruptedRunError
from latentclust.viewer.background_task import BackgroundTask, Progress, ShouldStop, Tell
from latentclust.viewer.placement import Placement
from latentclust.viewer.raster_pool import SCENE, RasterPool, is_on_network
from latentclust.viewer.scene_facts import SceneFacts
from latentclust.viewer.stretch import LARGEST_WITHOUT_OVERVIEWS

SIDE = 2048
"""Largest number of rows and columns of an overview."""

LARGEST_OVERVIEW = 2**28
"""Largest size of an overview in bytes."""

LARGEST_SCENE = 2**34
"""Largest scene, in bytes without compression, that is read for an overview."""

ENDED_EARLY = ("failed", "stopped")
"""States of a task that made no overview."""

ADVICE = "To see it from afar, add them: gdaladdo -r average"


@final
class TemporaryOverviews:
    """The overviews of a session's scenes. Its methods may be called by several threads."""

    def __init__(self, pool: RasterPool, facts: SceneFacts) -> None:
        """Make nothing yet."""
        self._pool, self._facts = pool, facts
        self._tasks: dict[tuple[int, str], BackgroundTask] = {}
        self._lock, self._one_by_one = threading.Lock(), threading.Lock()
        self._folder: Path | None = None

    def are_missing(self, index: int) -> bool:
        """Return whether a scene is too large to be read whole for a tile, and has no overviews of its own."""
        large = max(self._facts.placement(index, SCENE).size) > LARGEST_WITHOUT_OVERVIEWS
        return large and not self._facts.has_overviews(index, SCENE)

    def request(self, index: int, again: bool = False) -> str:
        """Begin the overview of a scene if it needs one. Return why there is none; empty if it is there, or is made.

        Args:
            index: Position of the scene.
            again: Whether an overview that failed or was stopped is begun again.
        """
        if not self.are_missing(index):
            return ""
        source = self._pool.source(index, SCENE)
        with self._pool.borrow(index, SCENE) as file:
            size = file.width * file.height * file.count * _item_size(file)
        if size > LARGEST_SCENE or is_on_network(source):
            return f"{source.short} has no overviews: zoom in to see the image. {ADVICE} {source.short}"
        progress = self._task(index, again).progress
        if progress.state in ENDED_EARLY:
            return f"{source.short}: no overview could be made ({progress.text}). Zoom in to see the image."
        return ""

    def progress(self, index: int) -> str:
        """Return how much of a scene's overview is made, in words. Empty unless it is being made."""
        progress = self._progress(index)
        if progress.state != "running":
            return ""
        share, name = progress.done / max(1, progress.total), self._pool.source(index, SCENE).short
        return f"{name} has no overviews. One is being made: {share:.0%} done. Zoom in to see the image already."

    def is_ready(self, index: int) -> bool:
        """Return whether the overview of a scene can be drawn."""
        return self._progress(index).state == "done"

    @contextmanager
    def borrow(self, index: int) -> Iterator[tuple[DatasetReader, Placement]]:
        """Yield the open overview of a scene, which is ready, and its position."""
        with rasterio.open(self._path(index)) as file:
            yield file, _coarser(self._facts.placement(index, SCENE), file.height, file.width)

    def _progress(self, index: int) -> Progress:
        key = (index, self._pool.version(index, SCENE))
        with self._lock:
            task = self._tasks.get(key)
        return task.progress if task else Progress()

    def _task(self, index: int, again: bool) -> BackgroundTask:
        """Return the task that makes the overview of a scene, which is begun if it was not, or `again`."""
        key = (index, self._pool.version(index, SCENE))
        with self._lock:
            task = self._tasks.get(key)
            if task and not (again and task.progress.state in ENDED_EARLY):
                return task
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="latentclust-view-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            task = task or BackgroundTask("overview", lambda tell, stop: self._make(index, tell, stop))
            self._tasks[key] = task
            task.start()
        return task

    def _make(self, index: int, tell: Tell, should_stop: ShouldStop) -> dict[str, Any]:
        path = self._path(index)
        with self._one_by_one, self._pool.borrow(index, SCENE) as file:
            write_overview(file, path, tell, should_stop)
        return {}

    def _path(self, index: int) -> Path:
        assert self._folder is not None, "an overview was begun"
        return self._folder / f"{index}-{self._pool.version(index, SCENE)}.tif"


def write_overview(
    file: DatasetReader,
    path: Path,
    tell: Callable[[int, int, str], None] = lambda done, total, text: None,
    should_stop: ShouldStop = lambda: False,
) -> None:
    """Write every n-th row and column of a raster to a GeoTIFF, strip by strip.

    Args:
        file: Raster.
        path: File of the overview, without a position.
        tell: Called with the number of strips that are done and of all strips.
        should_stop: Returns True once the user asks to stop.

    Raises:
        InterruptedRunError: If the user asks to stop.
    """
    side = min(SIDE, math.isqrt(LARGEST_OVERVIEW // (file.count * _item_size(file))))
    step = -(-max(file.height, file.width) // side)
    height, width = -(-file.height // step), -(-file.width // step)
    rows = max(1, file.block_shapes[0][0] // step)
    profile = {
        "driver": "GTiff",
        "transform": Affine(step, 0, 0, 0, -step, 0),
        "count": file.count,
        "dtype": np.result_type(*file.dtypes).name,
        "nodata": file.nodata,
    }
    masked = any({MaskFlags.per_dataset, MaskFlags.alpha} & set(flags) for flags in file.mask_flag_enums)
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", height=height, width=width, tiled=True, **profile) as out,
    ):
        for top in range(0, height, rows):
            if should_stop():
                raise InterruptedRunError.at("overview", "was stopped", "Load the page again")
            tell(top, height, "overview")
            high = min(rows, height - top)
            window = Window(0, top * step, file.width, min(high * step, file.height - top * step))
            target = Window(0, top, width, high)
            out.write(file.read(window=window, out_shape=(file.count, high, width)), window=target)
            if masked:
                out.write_mask(file.dataset_mask(window=window, out_shape=(high, width)), window=target)


def _item_size(file: DatasetReader) -> int:
    return np.result_type(*file.dtypes).itemsize


def _coarser(where: Placement, height: int, width: int) -> Placement:
    """Return the position of a raster with fewer rows and columns in the same place."""
    step = -(-max(where.size) // max(height, width))
    across = where.size[1] / width
    a, b, c, d, e, f = where.transform[:6]
    transform = Affine(a * across, b * step, c, d * across, e * step, f)
    return replace(where, transform=transform, size=(height, width))
