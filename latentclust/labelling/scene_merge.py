"""Merging of the complete strips of a scene into finished rasters."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentclust.errors import InterruptedRunError
from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.outputs.cog import Overviews, convert_to_cog, create_draft_raster
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.scene_rows import open_scene_rows
from latentclust.labelling.scene_task import SceneTask
from latentclust.labelling.windows.stitch import label_type

OVERVIEWS: dict[str, Overviews] = {"labels": "MODE", "confidence": "AVERAGE", "probabilities": "AVERAGE"}


@dataclass(frozen=True, slots=True)
class MergedCounts:
    """Counts of the pixels of finished rasters.

    Attributes:
        pixels: Number of pixels of each value of the labels; 0 is nodata.
        sieved: Number of pixels whose label the sieve changed.
    """

    pixels: dict[int, int]
    sieved: int


def merge_strips(
    settings: LabelSettings,
    task: SceneTask,
    targets: Mapping[str, Path],
    legend: Legend,
    should_stop: Callable[[], bool] = lambda: False,
) -> MergedCounts:
    """Merge the strips of a scene, all complete, into Cloud-Optimized GeoTIFFs, and count their pixels.

    Args:
        settings: Settings of the run.
        task: Scene.
        targets: File of each raster.
        legend: Legend of the labels.
        should_stop: Returns True once the user asks to stop. A sieve polls it periodically.

    Raises:
        LatentclustError: If a raster cannot be written, or reads back differently.
        InterruptedRunError: If the user asks to stop.
    """

    def check_stop() -> None:
        if should_stop():
            raise InterruptedRunError.at(task.scene.name, "stopped", "Run the same command to resume")

    drafts = {name: task.folder / f"{name}-draft.tif" for name in settings.rasters}
    counts, sieved = _draft(settings, task, drafts, legend, check_stop)
    for name, draft in drafts.items():
        convert_to_cog(draft, targets[name], OVERVIEWS[name], task.georeference, int(counts[1:].sum()))
        draft.unlink()
    return MergedCounts(dict(enumerate(counts.tolist())), sieved)


def _draft(
    settings: LabelSettings,
    task: SceneTask,
    drafts: Mapping[str, Path],
    legend: Legend,
    check_stop: Callable[[], None],
) -> tuple[NDArray[np.int64], int]:
    """Write the drafts. Return the number of pixels of each label, and of those that the sieve changed."""
    clusters = settings.model.clusters
    names = tuple(entry.name for entry in legend.entries[1:])
    counts, sieved = np.zeros(clusters + 1, np.int64), 0
    with ExitStack() as stack:
        files = {}
        for name, draft in drafts.items():
            kind = label_type(clusters) if name == "labels" else np.dtype(np.uint8)
            bands = names if name == "probabilities" else ("",)
            colours = legend.palette if name == "labels" else None
            files[name] = stack.enter_context(create_draft_raster(draft, task.georeference, kind, colours, bands))
        for rows in stack.enter_context(open_scene_rows(settings, task, check_stop)):
            counts += np.bincount(rows.rasters["labels"].ravel(), minlength=clusters + 1)
            sieved += rows.changed
            for name, values in rows.rasters.items():
                files[name].append(values)
    return counts, sieved
