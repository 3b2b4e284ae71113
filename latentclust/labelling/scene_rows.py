"""The pixel rows of a labelled scene, from top to bottom: stitched from its strips, cut to the area, and sieved."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.outputs.cog import write_errors
from latentclust.labelling.scene_task import SceneTask
from latentclust.labelling.vector.ground_area import GroundArea, area_in_pixels
from latentclust.labelling.vector.sieve import sieve
from latentclust.labelling.vector.uncompressed import UncompressedRaster
from latentclust.labelling.windows.stitch import STEPS, encode_confidence, label_type
from latentclust.labelling.windows.strip_files import StripReader, read_scene_rows

PixelBlock = dict[str, NDArray[Any]]
"""Consecutive pixel rows of each raster: `(n, w)`, probabilities `(n, k, w)`."""


@dataclass(frozen=True, slots=True)
class SceneRows:
    """Consecutive pixel rows of a scene.

    Attributes:
        rasters: Rows of each raster.
        changed: Number of pixels whose label the sieve changed.
    """

    rasters: PixelBlock
    changed: int = 0


@contextmanager
def open_scene_rows(
    settings: LabelSettings, task: SceneTask, check_stop: Callable[[], None]
) -> Iterator[Iterator[SceneRows]]:
    """Yield an iterator over the rows of a scene whose strips are complete. It can be used once.

    With `settings.sieve`, small regions have the label of their largest neighbour, see `sieve`. Their confidence is
    the probability of that label, and probabilities are unchanged. Regions are those of the whole scene, within the
    task's bounds and mask: the result does not depend on strips.

    Memory: one block of rows, and a strip of the sieve. Temporary disk space of a sieve: the uncompressed labels and 26
    bytes per region.

    Args:
        settings: Settings of the run.
        task: Scene.
        check_stop: Called periodically. Raises if the user asks to stop.

    Raises:
        LatentclustError: If a temporary file cannot be written.
    """
    readers = [StripReader(job.folder, job.shape, settings.model.clusters) for job in task.jobs]
    if settings.sieve is None:
        yield (SceneRows(block) for _, block in _cropped_rows(readers, task, settings.rasters))
        return
    with write_errors(task.folder), TemporaryDirectory(prefix="sieve-", dir=task.folder) as folder:
        labels = _uncompressed(readers, task, Path(folder) / "labels", check_stop)
        ground = GroundArea.from_georeference(task.georeference)
        sieve(labels, area_in_pixels(settings.sieve, ground.pixel_area), Path(folder))
        yield _sieved_rows(settings, _cropped_rows(readers, task, settings.strip_rasters), labels)


def _cropped_rows(
    readers: Sequence[StripReader], task: SceneTask, names: Sequence[str]
) -> Iterator[tuple[int, PixelBlock]]:
    """Yield the rows within a task's bounds, 0 outside its mask, with the number of their first row in the output."""
    for top, block in read_scene_rows(readers, names):
        if cropped := _crop_to_area(task, top, block):
            yield max(top, task.bounds.top) - task.bounds.top, cropped


def _crop_to_area(task: SceneTask, top: int, block: PixelBlock) -> PixelBlock:
    """Return the pixel rows within the bounds of a task, 0 outside its mask; an empty dict if there are none."""
    height = len(next(iter(block.values())))
    first, last = max(top, task.bounds.top), min(top + height, task.bounds.bottom)
    if first >= last:
        return {}
    cut = {name: rows[first - top : last - top] for name, rows in block.items()}
    if task.mask is None:
        return cut
    inside = task.mask.rasterize(first, task.bounds.left, (last - first, task.bounds.width))
    return {name: rows * (inside[:, np.newaxis] if rows.ndim == 3 else inside) for name, rows in cut.items()}


def _uncompressed(
    readers: Sequence[StripReader], task: SceneTask, path: Path, check_stop: Callable[[], None]
) -> UncompressedRaster:
    """Write the labels of a scene to a new file."""
    with path.open("wb", buffering=0) as file:
        for _, block in _cropped_rows(readers, task, ("labels",)):
            check_stop()
            block["labels"].tofile(file)
    return UncompressedRaster(path, task.georeference.extent, label_type(readers[0].clusters), check_stop)


def _sieved_rows(
    settings: LabelSettings, blocks: Iterator[tuple[int, PixelBlock]], labels: UncompressedRaster
) -> Iterator[SceneRows]:
    """Yield the rows with sieved labels, and the confidence of the labels that have changed."""
    for top, block in blocks:
        sieved = labels.read_rows(top, len(block["labels"]))
        changed = np.nonzero(sieved != block["labels"])
        found = {**{name: block[name] for name in settings.rasters}, "labels": sieved}
        if "confidence" in found:
            found["confidence"] = found["confidence"].copy()
            found["confidence"][changed] = _confidence(block["probabilities"], sieved, changed)
        yield SceneRows(found, len(changed[0]))


def _confidence(
    probabilities: NDArray[np.uint8], labels: NDArray[Any], pixels: tuple[NDArray[np.intp], ...]
) -> NDArray[np.uint8]:
    """Return the confidence `(m,)` of the labels of some pixels, given as rows and columns."""
    rows, columns = pixels
    encoded = probabilities[rows, labels[pixels].astype(np.intp) - 1, columns].astype(np.float32)
    found: NDArray[np.uint8] = encode_confidence(
        torch.from_numpy((encoded - 1) / STEPS), probabilities.shape[1]
    ).numpy()
    return found
