"""What is made of a labelled scene: its rasters, and whatever else was asked for, under the names they will have."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import rasterio

from latentclust.labelling.inputs import Scene
from latentclust.labelling.legend import Legend
from latentclust.labelling.plan import Plan
from latentclust.labelling.redraw import merge_classes, merged_counts
from latentclust.labelling.scene import Task, put_together
from latentclust.labelling.sidecars import write_sidecars
from latentclust.rasters import CACHE_BYTES


@dataclass(frozen=True, slots=True)
class Made:
    """What a scene has become.

    Attributes:
        folder: Holds the files, and nothing else.
        pixels: Pixels labelled.
        warnings: What is odd about them.
        seconds: How long it took.
    """

    folder: Path
    pixels: int
    warnings: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Products:
    """What is wanted of every scene beside its labels.

    Attributes:
        clusters: The legend of the labels.
        classes: That of the merged classes; None where they are not wanted.
    """

    clusters: Legend
    classes: Legend | None = None

    def make(self, plan: Plan, task: Task) -> Made:
        """Makes all of it, in the task's folder; raises LatentclustError where a file cannot be written."""
        began = time.monotonic()
        folder = task.folder / "made"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        targets = {name: folder / task.scene.raster(name).name for name in plan.rasters}
        with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
            counts = put_together(plan, task, targets, self.clusters)
            self.derive(targets["labels"], counts, task.folder)
        pixels = sum(counts.values()) - counts[0]
        return Made(folder, pixels, () if pixels else ("no pixel of data",), time.monotonic() - began)

    def derive(self, labels: Path, counts: dict[int, int], drafts: Path) -> None:
        """Makes what comes of a finished label raster, beside it.

        Args:
            labels: The raster.
            counts: Pixels of each of its values.
            drafts: A folder for temporary files.
        """
        write_sidecars(labels, self.clusters, counts)
        if self.classes:
            merged = labels.with_name(f"{labels.stem}-classes{labels.suffix}")
            merge_classes(labels, drafts / "classes-draft.tif", merged, self.classes)
            write_sidecars(merged, self.classes, merged_counts(counts, self.classes))

    def outputs(self, plan: Plan, scene: Scene) -> Iterator[PurePath]:
        """The files that a scene becomes, relative to the output folder."""
        yield from map(scene.raster, plan.rasters)
        if self.classes:
            yield scene.raster("classes")

    def options(self) -> dict[str, Any]:
        """What decides which files there are, and is no name or colour."""
        return {"classes": self.classes is not None}
