"""What is made of a labelled scene: its rasters, and whatever else was asked for, under the names they will have."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Any

import rasterio

from latentclust.data.rasters import CACHE_BYTES
from latentclust.data.sources import decode_errors
from latentclust.labelling.clusters.recolour import classes_raster, merge_classes, merged_counts
from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.outputs.extras import check_extra
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.outputs.sidecars import sidecar_paths, write_sidecars
from latentclust.labelling.outputs.stac_item import LabelledScene, write_stac_item
from latentclust.labelling.scene_task import SceneTask, merge_strips
from latentclust.labelling.scenes.acquisition_time import acquisition_time, parse_datetime
from latentclust.labelling.scenes.inputs import Scene
from latentclust.labelling.vector.polygons import check_polygon_options, write_polygons

POLYGON_SUFFIX, STAC_SUFFIX = ".gpkg", ".stac.json"
"""What outputs that are no rasters end in."""


@dataclass(frozen=True, slots=True)
class SceneOutputs:
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
class PolygonOptions:
    """How polygons are drawn.

    Attributes:
        min_area: Smaller regions go to a neighbour; square metres, or pixels without a coordinate system.
        max_polygons: More of them are refused.
    """

    min_area: float
    max_polygons: int


@dataclass(frozen=True, slots=True)
class StacOptions:
    """What STAC items say of every scene.

    Attributes:
        model: SHA-256 of the model.
        datetime: When scenes were taken that do not say so themselves; RFC 3339.
    """

    model: str
    datetime: str | None


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """What is wanted of every scene beside its labels.

    Attributes:
        clusters: The legend of the labels.
        classes: That of the merged classes; None where they are not wanted.
        vector: How polygons are drawn; None where they are not.
        catalogue: What items say; None where they are not written.
    """

    clusters: Legend
    classes: Legend | None = None
    vector: PolygonOptions | None = None
    catalogue: StacOptions | None = None

    def check(self) -> None:
        """Raises LatentclustError for values that will not do, and for libraries that are not installed."""
        if self.vector:
            check_polygon_options(self.vector.min_area, self.vector.max_polygons)
        if self.catalogue:
            check_extra("stac")
            if self.catalogue.datetime is not None:
                parse_datetime(self.catalogue.datetime)

    def options(self) -> dict[str, Any]:
        """What decides which files there are, and is no name or colour."""
        item = {"datetime": self.catalogue.datetime} if self.catalogue else None
        vector = asdict(self.vector) if self.vector else None
        return {"classes": self.classes is not None, "vector": vector, "stac": item}

    def outputs(self, settings: LabelSettings, scene: Scene) -> Iterator[PurePath]:
        """The files that a scene becomes, relative to the output folder."""
        yield from map(scene.raster, settings.rasters)
        yield from sidecar_paths(scene.output)
        if self.classes:
            yield (classes := scene.raster("classes"))
            yield from sidecar_paths(classes)
        if self.vector:
            yield scene.output.with_suffix(POLYGON_SUFFIX)
        if self.catalogue:
            yield scene.output.with_suffix(STAC_SUFFIX)

    def write(
        self, settings: LabelSettings, task: SceneTask, should_stop: Callable[[], bool] = lambda: False
    ) -> SceneOutputs:
        """Makes all of it, in the task's folder; raises LatentclustError where a file cannot be written."""
        began = time.monotonic()
        folder = task.folder / "made"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        targets = {name: folder / task.scene.raster(name).name for name in settings.rasters}
        labels = targets["labels"]
        with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
            counts = merge_strips(settings, task, targets, self.clusters)
            self.write_legend(labels, counts, task.folder)
            if self.vector:
                names, target = self.clusters.names, labels.with_suffix(POLYGON_SUFFIX)
                write_polygons(labels, target, names, self.vector.min_area, self.vector.max_polygons, should_stop)
            odd = self._item(settings, task, labels)
        pixels = sum(counts.values()) - counts[0]
        return SceneOutputs(folder, pixels, odd if pixels else ("no pixel of data", *odd), time.monotonic() - began)

    def write_legend(self, labels: Path, counts: Mapping[int, int], drafts: Path) -> None:
        """Writes the legend of a finished label raster, and its classes, beside it.

        Args:
            labels: The raster.
            counts: Pixels of each of its values.
            drafts: A folder for temporary files.
        """
        write_sidecars(labels, self.clusters, counts)
        if self.classes:
            merged = classes_raster(labels)
            merge_classes(labels, drafts / "classes-draft.tif", merged, self.classes)
            write_sidecars(merged, self.classes, merged_counts(counts, self.classes))

    def _item(self, settings: LabelSettings, task: SceneTask, labels: Path) -> tuple[str, ...]:
        """Writes the scene's STAC item where one is wanted; why there is none, where there is none."""
        if not self.catalogue:
            return ()
        scene, item = task.scene, None
        if scene.item:
            with decode_errors(scene.item):
                item = json.loads(scene.item.read_text(encoding="utf-8"))
        told = LabelledScene(
            labels=labels,
            output=scene.output,
            confidence=scene.raster("confidence") if "confidence" in settings.rasters else None,
            polygons=scene.output.with_suffix(POLYGON_SUFFIX) if self.vector else None,
            names=self.clusters.names,
            colours=self.clusters.palette,
            model=self.catalogue.model,
            version=version("latentclust"),
            source=scene.name,
            item=item,
            item_source=str(scene.item) if scene.item else None,
        )
        why = write_stac_item(
            told, acquisition_time(task.tag, self.catalogue.datetime, item), labels.with_suffix(STAC_SUFFIX)
        )
        return (f"no STAC item: {why}",) if why else ()
