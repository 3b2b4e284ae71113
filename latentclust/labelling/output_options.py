"""The outputs of a labelled scene: rasters, legends, tables, polygons, STAC items, and how they are written."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Any

import rasterio

from latentclust.data.rasters import CACHE_BYTES
from latentclust.data.scenes.stac import read_json
from latentclust.errors import InterruptedRunError
from latentclust.labelling.clusters.recolour import classes_raster, merge_classes, merged_counts
from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.measure.area_table import write_area_table
from latentclust.labelling.measure.zone_file import ZoneFile
from latentclust.labelling.measure.zone_table import (
    UnplacedZonesError,
    measure_zones,
    write_zone_table,
    zone_table_path,
    zone_warnings,
)
from latentclust.labelling.outputs.extras import check_extra
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.outputs.sidecars import sidecar_paths, write_sidecars
from latentclust.labelling.outputs.stac_item import LabelledScene, write_stac_item
from latentclust.labelling.scene_merge import merge_strips
from latentclust.labelling.scene_task import SceneTask
from latentclust.labelling.scenes.acquisition_time import acquisition_time, parse_datetime
from latentclust.labelling.vector.polygons import PolygonOptions, check_polygon_options, write_polygons
from latentclust.specs.scenes import Scene

POLYGON_SUFFIX, STAC_SUFFIX = ".gpkg", ".stac.json"
"""Suffixes of the outputs that are not rasters."""


@dataclass(frozen=True, slots=True)
class SceneOutputs:
    """The outputs of a scene before they are published.

    Attributes:
        folder: Folder that contains the files, and nothing else.
        pixels: Number of pixels that were labelled.
        sieved: Number of pixels whose label the sieve changed.
        warnings: Warnings about the outputs.
        seconds: Time in seconds for writing them.
    """

    folder: Path
    pixels: int
    sieved: int
    warnings: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class StacOptions:
    """The options of STAC items.

    Attributes:
        model: SHA-256 of the model.
        datetime: Acquisition time, in RFC 3339, of scenes that contain none.
    """

    model: str
    datetime: str | None


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """The outputs of every scene in addition to the rasters of `LabelSettings.rasters`.

    Attributes:
        clusters: Legend of the labels.
        classes: Legend of the merged classes. None if they are not written.
        vector: Options of polygons. None if they are not written.
        stac: Options of STAC items. None if they are not written.
        zones: Zones in which clusters and classes are measured. None if they are not.
    """

    clusters: Legend
    classes: Legend | None = None
    vector: PolygonOptions | None = None
    stac: StacOptions | None = None
    zones: ZoneFile | None = None

    def check(self) -> None:
        """Raise LatentclustError if a value is invalid or a required library is not installed."""
        if self.vector:
            check_polygon_options(self.vector)
        if self.stac:
            check_extra("stac")
            if self.stac.datetime is not None:
                parse_datetime(self.stac.datetime)

    def options(self) -> dict[str, Any]:
        """Return the options that decide which files are written, apart from names and colours."""
        item = {"datetime": self.stac.datetime} if self.stac else None
        vector = self.vector.as_json() if self.vector else None
        zones = {"zones": self.zones.options()} if self.zones else {}
        return {"classes": self.classes is not None, "vector": vector, "stac": item, **zones}

    def outputs(self, settings: LabelSettings, scene: Scene) -> Iterator[PurePath]:
        """Yield the outputs of a scene, relative to the output folder."""
        yield from map(scene.raster, settings.rasters)
        legends = (scene.output, *(scene.raster("classes"),) * bool(self.classes))
        yield from legends[1:]
        for path in legends:
            yield from sidecar_paths(path)
            if self.zones:
                yield zone_table_path(path)
        if self.vector:
            yield scene.output.with_suffix(POLYGON_SUFFIX)
        if self.stac:
            yield scene.output.with_suffix(STAC_SUFFIX)

    def write(
        self, settings: LabelSettings, task: SceneTask, should_stop: Callable[[], bool] = lambda: False
    ) -> SceneOutputs:
        """Write all outputs of a scene in the task's folder. Raise LatentclustError if a file cannot be written."""
        start = time.monotonic()
        folder = task.folder / "made"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        targets = {name: folder / task.scene.raster(name).name for name in settings.rasters}
        labels = targets["labels"]
        with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
            merged = merge_strips(settings, task, targets, self.clusters, should_stop)
            warnings = self.write_beside(labels, merged.pixels, task.scene.name, task.folder, should_stop)
            warnings += self._item(settings, task, labels)
        pixels = sum(merged.pixels.values()) - merged.pixels[0]
        warnings = warnings if pixels else ("contains no valid pixels", *warnings)
        return SceneOutputs(folder, pixels, merged.sieved, warnings, time.monotonic() - start)

    def write_beside(
        self, labels: Path, counts: Mapping[int, int], name: str, drafts: Path, should_stop: Callable[[], bool]
    ) -> tuple[str, ...]:
        """Write the legends, tables, classes and polygons of a finished label raster next to it.

        Args:
            labels: Label raster.
            counts: Number of pixels of each value.
            name: Name of the scene, for messages.
            drafts: Folder of temporary files.
            should_stop: Returns True once the user asks to stop.

        Returns:
            Warnings.
        """
        self.write_legend(labels, counts, drafts)
        warnings = self.write_zone_tables(name, labels, should_stop)
        if self.vector:
            write_polygons(labels, labels.with_suffix(POLYGON_SUFFIX), self.clusters, self.vector, should_stop)
        return warnings

    def write_legend(self, labels: Path, counts: Mapping[int, int], drafts: Path) -> None:
        """Write the legend and the table of areas of a finished label raster, and its raster of classes, next to it.

        Args:
            labels: Label raster.
            counts: Number of pixels of each value.
            drafts: Folder of temporary files.
        """
        write_sidecars(labels, self.clusters, counts)
        write_area_table(labels, self.clusters, counts)
        if self.classes:
            merged = classes_raster(labels)
            merge_classes(labels, drafts / "classes-draft.tif", merged, self.classes)
            sums = merged_counts(counts, self.classes)
            write_sidecars(merged, self.classes, sums)
            write_area_table(merged, self.classes, sums)

    def write_zone_tables(self, name: str, labels: Path, should_stop: Callable[[], bool]) -> tuple[str, ...]:
        """Write the tables of zones of a finished label raster that are requested and missing.

        Args:
            name: Name of the scene, for messages.
            labels: Label raster.
            should_stop: Returns True once the user asks to stop.

        Returns:
            Warnings about zones.
        """
        if not self.zones:
            return ()

        def check_stop() -> None:
            if should_stop():
                raise InterruptedRunError.at(name, "stopped", "Run the same command to resume")

        try:
            found = measure_zones(labels, self.zones, len(self.clusters.entries), name, check_stop)
        except UnplacedZonesError as error:
            return (f"no table of zones: {error.issues[0].what}",)
        if found.inside.any():
            for raster, legend in ((labels, self.clusters), (classes_raster(labels), self.classes)):
                if legend and not zone_table_path(raster).exists():
                    write_zone_table(found, self.zones.names, legend, zone_table_path(raster))
        return zone_warnings(found, self.zones)

    def _item(self, settings: LabelSettings, task: SceneTask, labels: Path) -> tuple[str, ...]:
        """Write the scene's STAC item if requested. Return a warning if it cannot be written."""
        if not self.stac:
            return ()
        scene, item = task.scene, None
        if scene.item:
            item = read_json(scene.item)
        labelled_scene = LabelledScene(
            labels=labels,
            output=scene.output,
            confidence=scene.raster("confidence") if "confidence" in settings.rasters else None,
            polygons=scene.output.with_suffix(POLYGON_SUFFIX) if self.vector else None,
            names=self.clusters.names,
            colours=self.clusters.palette,
            model=self.stac.model,
            version=version("latentclust"),
            source=scene.name,
            item=item,
            item_source=str(scene.item) if scene.item else None,
        )
        why = write_stac_item(
            labelled_scene, acquisition_time(task.tag, self.stac.datetime, item), labels.with_suffix(STAC_SUFFIX)
        )
        return (f"no STAC item: {why}",) if why else ()
