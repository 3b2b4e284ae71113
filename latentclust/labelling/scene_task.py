"""One scene: what of it is to be labelled, and how its strips become finished rasters."""

import shutil
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.labelling.area.area_of_interest import AreaOfInterest
from latentclust.labelling.area.polygon_mask import PolygonMask
from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.outputs.cog import Overviews, convert_to_cog, create_draft_raster
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.scenes.acquisition_time import TAG
from latentclust.labelling.scenes.bands import match_bands
from latentclust.labelling.scenes.georeference import Georeference
from latentclust.labelling.scenes.inputs import Scene
from latentclust.labelling.scenes.reader import open_raster
from latentclust.labelling.windows.memory import check_strip_memory
from latentclust.labelling.windows.stitch import label_type
from latentclust.labelling.windows.strip_files import StripReader, is_complete, read_scene_rows
from latentclust.labelling.windows.strip_labeller import StripJob
from latentclust.labelling.windows.strips import PixelBounds, overlapping_spans, split_into_strips

OVERVIEWS: dict[str, Overviews] = {"labels": "MODE", "confidence": "AVERAGE", "probabilities": "AVERAGE"}

SPARE = 100_000_000
"""Bytes that must be free for strips of a scene that failed to stay."""


@dataclass(frozen=True, slots=True)
class SceneTask:
    """What is to be done for a scene.

    Attributes:
        scene: The scene.
        extent: The pixels that are wanted.
        mask: Which of them are left out; None where none is.
        where: Size and place of the outputs.
        jobs: Its strips.
        folder: Holds the strips and the drafts.
        warnings: What is odd about it.
        tag: Its TIFF tag DateTime; empty where it has none.
    """

    scene: Scene
    extent: PixelBounds
    mask: PolygonMask | None
    where: Georeference
    jobs: tuple[StripJob, ...]
    folder: Path
    warnings: tuple[str, ...]
    tag: str

    @property
    def windows(self) -> int:
        """How many windows are gone through."""
        return sum(job.windows for job in self.jobs)


def prepare_scene(settings: LabelSettings, scene: Scene, folder: Path, area: AreaOfInterest | None) -> SceneTask | None:
    """Opens a scene and cuts it into strips; None where it has no pixel in the area.

    Raises:
        LatentclustError: A scene that is damaged, does not suit the model, or whose place is not known.
    """
    with open_raster(scene) as file:
        fit, tag = match_bands(file, settings.bands, scene.name), file.tags().get(TAG, "")
        where = Georeference.from_dataset(file)
        found = area.pixels_in(file, scene.name) if area else (PixelBounds(0, 0, *where.extent), None)
    if found is None:
        return None
    extent, mask = found
    check_strip_memory(settings, extent.width, scene.name)
    rows = overlapping_spans(settings.grid.rows(where.extent[0]), extent.top, extent.bottom)
    columns = overlapping_spans(settings.grid.columns(where.extent[1]), extent.left, extent.right)
    shapes = split_into_strips(rows, columns, extent)
    jobs = tuple(
        StripJob(scene, fit.bands, number, shape, tuple(columns), folder / f"strip-{number:05}")
        for number, shape in enumerate(shapes)
    )
    odd = () if where.crs else ("no coordinate system",)
    return SceneTask(scene, extent, mask, where.crop(extent), jobs, folder, fit.warnings + odd, tag)


def merge_strips(
    settings: LabelSettings, task: SceneTask, targets: Mapping[str, Path], legend: Legend
) -> dict[int, int]:
    """Makes Cloud-Optimized GeoTIFFs of a scene's strips, all of which are there; returns the pixels of each value.

    Args:
        settings: Settings of the run.
        task: The scene.
        targets: The file of each raster of the plan.
        legend: Of the labels.

    Raises:
        LatentclustError: A raster that cannot be written, or does not hold what it should.
    """
    drafts = {name: task.folder / f"{name}-draft.tif" for name in settings.rasters}
    counts = _draft(settings, task, drafts, legend)
    for name, draft in drafts.items():
        convert_to_cog(draft, targets[name], OVERVIEWS[name], task.where, int(counts[1:].sum()))
        draft.unlink()
    return dict(enumerate(counts.tolist()))


def _draft(settings: LabelSettings, task: SceneTask, drafts: Mapping[str, Path], legend: Legend) -> NDArray[np.int64]:
    """Writes the drafts; returns the pixels of each value of the labels."""
    clusters = settings.model.clusters
    names = tuple(entry.name for entry in legend.entries[1:])
    counts = np.zeros(clusters + 1, np.int64)
    with ExitStack() as stack:
        files = {}
        for name, draft in drafts.items():
            kind = label_type(clusters) if name == "labels" else np.dtype(np.uint8)
            bands = names if name == "probabilities" else ("",)
            colours = legend.palette if name == "labels" else None
            files[name] = stack.enter_context(create_draft_raster(draft, task.where, kind, colours, bands))
        readers = [StripReader(job.folder, job.shape, clusters) for job in task.jobs]
        for top, block in read_scene_rows(readers, settings.rasters):
            if not (wanted := _crop_to_area(task, top, block)):
                continue
            counts += np.bincount(wanted["labels"].ravel(), minlength=clusters + 1)
            for name, rows in wanted.items():
                files[name].append(rows)
    return counts


def _crop_to_area(task: SceneTask, top: int, block: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Of pixel rows those in the extent, with 0 where the mask leaves them out; nothing where none is in it."""
    height = len(next(iter(block.values())))
    first, last = max(top, task.extent.top), min(top + height, task.extent.bottom)
    if first >= last:
        return {}
    cut = {name: rows[first - top : last - top] for name, rows in block.items()}
    if task.mask is None:
        return cut
    inside = task.mask.rasterize(first, task.extent.left, (last - first, task.extent.width))
    return {name: rows * (inside[:, np.newaxis] if rows.ndim == 3 else inside) for name, rows in cut.items()}


def remove_temporary_files(folder: Path, failed: bool) -> None:
    """Removes a scene's temporary files; of one that failed whole strips stay, where there is room for them."""
    if not failed or shutil.disk_usage(folder.parent).free < SPARE:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for path in folder.glob("*"):
        if not is_complete(path):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
    with suppress(OSError):  # whole strips are there, or nothing ever was
        folder.rmdir()
