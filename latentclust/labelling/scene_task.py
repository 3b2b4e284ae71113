"""One scene: which pixels are labelled, and how its strips become finished rasters."""

import shutil
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.data.scenes.bands import match_bands
from latentclust.data.scenes.opening import open_raster
from latentclust.labelling.area.area_of_interest import AreaOfInterest
from latentclust.labelling.area.polygon_mask import PolygonMask
from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.outputs.cog import Overviews, convert_to_cog, create_draft_raster
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.scenes.acquisition_time import TAG
from latentclust.labelling.scenes.georeference import Georeference
from latentclust.labelling.windows.memory import check_scene_memory
from latentclust.labelling.windows.stitch import label_type
from latentclust.labelling.windows.strip_files import StripReader, read_scene_rows, read_strip_facts
from latentclust.labelling.windows.strip_labeller import StripJob
from latentclust.labelling.windows.strips import PixelBounds, overlapping_spans, split_into_strips
from latentclust.specs.scenes import Scene

OVERVIEWS: dict[str, Overviews] = {"labels": "MODE", "confidence": "AVERAGE", "probabilities": "AVERAGE"}

SPARE = 100_000_000
"""Free disk space in bytes below which the strips of a failed scene are removed."""


@dataclass(frozen=True, slots=True)
class SceneTask:
    """The work to be done for a scene.

    Attributes:
        scene: Scene.
        bounds: Pixels to be labelled.
        mask: Mask of the area within `bounds`. None if all pixels are in the area.
        georeference: Size and georeference of the outputs.
        jobs: Strips of the scene.
        folder: Folder of strips and drafts.
        warnings: Warnings about the scene.
        tag: TIFF tag DateTime of the scene. Empty if it has none.
    """

    scene: Scene
    bounds: PixelBounds
    mask: PolygonMask | None
    georeference: Georeference
    jobs: tuple[StripJob, ...]
    folder: Path
    warnings: tuple[str, ...]
    tag: str

    @property
    def windows(self) -> int:
        """Number of windows, including those without valid pixels."""
        return sum(job.windows for job in self.jobs)


def prepare_scene(settings: LabelSettings, scene: Scene, folder: Path, area: AreaOfInterest | None) -> SceneTask | None:
    """Open a scene and cut it into strips. Return None if it has no pixel in the area.

    Raises:
        LatentclustError: If the scene is damaged or does not match the model, or its position is unknown.
    """
    with open_raster(scene) as file:
        match, tag = match_bands(file, settings.bands, scene.name, scene.requested), file.tags().get(TAG, "")
        georeference = Georeference.from_dataset(file)
        height, width = georeference.extent
        found = area.pixels_in(file, scene.name) if area else (PixelBounds(0, 0, height, width), None)
    if found is None:
        return None
    bounds, mask = found
    check_scene_memory(settings, (height, width), bounds.width, scene.name)
    rows = overlapping_spans(settings.grid.rows(height), bounds.top, bounds.bottom)
    columns = tuple(overlapping_spans(settings.grid.columns(width), bounds.left, bounds.right))
    jobs = tuple(
        StripJob(scene, match.bands, number, shape, columns, folder / f"strip-{number:05}")
        for number, shape in enumerate(split_into_strips(rows, columns, bounds))
    )
    warnings = match.warnings + (() if georeference.crs else ("has no coordinate reference system",))
    return SceneTask(scene, bounds, mask, georeference.crop(bounds), jobs, folder, warnings, tag)


def merge_strips(
    settings: LabelSettings, task: SceneTask, targets: Mapping[str, Path], legend: Legend
) -> dict[int, int]:
    """Merge the strips of a scene, all complete, into Cloud-Optimized GeoTIFFs. Return the pixel count of each value.

    Args:
        settings: Settings of the run.
        task: Scene.
        targets: File of each raster.
        legend: Legend of the labels.

    Raises:
        LatentclustError: If a raster cannot be written, or reads back differently.
    """
    drafts = {name: task.folder / f"{name}-draft.tif" for name in settings.rasters}
    counts = _draft(settings, task, drafts, legend)
    for name, draft in drafts.items():
        convert_to_cog(draft, targets[name], OVERVIEWS[name], task.georeference, int(counts[1:].sum()))
        draft.unlink()
    return dict(enumerate(counts.tolist()))


def _draft(settings: LabelSettings, task: SceneTask, drafts: Mapping[str, Path], legend: Legend) -> NDArray[np.int64]:
    """Write the drafts. Return the number of pixels of each label."""
    clusters = settings.model.clusters
    names = tuple(entry.name for entry in legend.entries[1:])
    counts = np.zeros(clusters + 1, np.int64)
    with ExitStack() as stack:
        files = {}
        for name, draft in drafts.items():
            kind = label_type(clusters) if name == "labels" else np.dtype(np.uint8)
            bands = names if name == "probabilities" else ("",)
            colours = legend.palette if name == "labels" else None
            files[name] = stack.enter_context(create_draft_raster(draft, task.georeference, kind, colours, bands))
        readers = [StripReader(job.folder, job.shape, clusters) for job in task.jobs]
        for top, block in read_scene_rows(readers, settings.rasters):
            if not (wanted := _crop_to_area(task, top, block)):
                continue
            counts += np.bincount(wanted["labels"].ravel(), minlength=clusters + 1)
            for name, rows in wanted.items():
                files[name].append(rows)
    return counts


def _crop_to_area(task: SceneTask, top: int, block: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
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


def remove_temporary_files(folder: Path, failed: bool) -> None:
    """Remove the temporary files of a scene. If it failed, complete strips stay while disk space allows."""
    if not failed or shutil.disk_usage(folder.parent).free < SPARE:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for path in folder.glob("*"):
        if not read_strip_facts(path):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
    with suppress(OSError):  # Complete strips remain, or the folder was never made.
        folder.rmdir()
