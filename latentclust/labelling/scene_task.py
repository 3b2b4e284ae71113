"""One scene: which pixels are labelled, and the strips that it is cut into."""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from latentclust.data.scenes.opening import open_raster
from latentclust.labelling.area.area_of_interest import AreaOfInterest
from latentclust.labelling.area.polygon_mask import PolygonMask
from latentclust.labelling.chosen_scenes import match_scene
from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.scenes.acquisition_time import TAG
from latentclust.labelling.scenes.georeference import Georeference
from latentclust.labelling.windows.memory import check_scene_memory
from latentclust.labelling.windows.strip_files import read_strip_facts
from latentclust.labelling.windows.strip_labeller import StripJob
from latentclust.labelling.windows.strips import PixelBounds, overlapping_spans, split_into_strips
from latentclust.specs.scenes import Scene

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
        match, tag = match_scene(file, scene, settings.bands, settings.normalisation), file.tags().get(TAG, "")
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
