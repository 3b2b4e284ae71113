"""Rewrite the finished outputs of scenes after names or colours changed.

Nothing is inferred again: everything is made from the label rasters.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from latentclust.data.scenes.folders import RUN_LOG
from latentclust.errors import InterruptedRunError, Issue, LatentclustError, raise_all
from latentclust.labelling.clusters.recolour import (
    RELABEL_FIX,
    RERUN_FIX,
    ShouldStop,
    classes_raster,
    count_clusters,
    merge_classes,
    merged_counts,
    recolour,
)
from latentclust.labelling.label_report import UNKNOWN_SIZE, SceneResult
from latentclust.labelling.measure.area_table import write_area_table
from latentclust.labelling.measure.zone_table import rewrite_zone_table, zone_table_path
from latentclust.labelling.output_options import POLYGON_SUFFIX, STAC_SUFFIX, OutputOptions
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.outputs.publish import publish_outputs
from latentclust.labelling.outputs.sidecars import write_sidecars
from latentclust.labelling.outputs.stac_item import read_label_item, rename_classes
from latentclust.labelling.run_log import (
    DRAFT_FOLDER,
    RunLog,
    lock_folder,
    model_fingerprint,
    read_run_log,
)
from latentclust.labelling.vector.polygons import PolygonOptions, write_polygons
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load
from latentclust.stopping import stop_on_signals

NEW_FOLDER_FIX = "Label into another folder"

OnProgress = Callable[[int, int, str], None]
"""Called with the number of scenes that are done, the number of all scenes, and the output of the next one or ''."""


@dataclass(frozen=True, slots=True)
class RestyleResult:
    """The outputs that `restyle` rewrote.

    Attributes:
        folder: The output folder.
        rasters: Paths of the rasters of clusters and of classes, relative to the folder.
        classes: The legend of the classes.
    """

    folder: Path
    rasters: tuple[str, ...]
    classes: Legend

    def as_json(self) -> dict[str, Any]:
        """Return the result as a JSON-serializable dict."""
        return {"folder": str(self.folder), "rasters": list(self.rasters), "classes": self.classes.as_json()}


def restyle(
    folder: str | Path,
    model: str | Path | ClusteringModel | None = None,
    on_progress: OnProgress = lambda done, wanted, output: None,
    should_stop: ShouldStop = lambda: False,
) -> RestyleResult:
    """Apply the current names and colours of a model to every finished output of a folder.

    Label rasters keep their pixels and get a new colour table. Rasters of classes, if the run wrote them, are merged
    again. Legends, polygons and STAC items are rewritten too. If the call is repeated, the outputs stay the same.

    Args:
        folder: The folder that holds the label rasters and labelling.json.
        model: The model that labelled them. Defaults to the file that labelling.json names.
        on_progress: Called before each scene and at the end.
        should_stop: Returns True once the caller asks to stop, in addition to signals, which reach the main thread
            alone.

    Raises:
        LatentclustError: If the folder has no run log, the model is another one, or an output is missing, damaged,
            changed or cannot be written.
        InterruptedRunError: If the user stops with Ctrl-C, SIGTERM or SIGHUP, or `should_stop` returns True. Repeating
            the call completes it.
    """
    folder = Path(folder)
    if not (folder / RUN_LOG).is_file():
        raise LatentclustError.at(str(folder), f"contains no {RUN_LOG}", "Pass a folder that latentclust label wrote")
    written: list[str] = []
    with lock_folder(folder) as partial, draft_folder(partial) as drafts, stop_on_signals() as signalled:

        def stopped() -> bool:
            return signalled() or should_stop()

        log = read_run_log(folder, NEW_FOLDER_FIX)
        loaded = _model(log, model)
        classes = Legend.from_classes(loaded)
        options = OutputOptions(Legend.from_clusters(loaded), classes, _polygon_options(log))
        done = [scene for scene in log.scenes.values() if scene.status == "done"]
        _check_outputs(folder, done)
        for number, scene in enumerate(done):
            on_progress(number, len(done), scene.output)
            if stopped():
                raise InterruptedRunError.at(str(folder), f"stopped before {scene.output}", RERUN_FIX)
            written += rewrite_scene(log, scene, options, drafts, stopped)
        on_progress(len(done), len(done), "")
    return RestyleResult(folder, tuple(written), classes)


def _model(log: RunLog, given: str | Path | ClusteringModel | None) -> ClusteringModel:
    """Return the model that labelled the folder. Raise LatentclustError if `given` is another one."""
    where = str(log.folder / RUN_LOG)
    if given is None and not log.model_path:
        raise LatentclustError.at(where, "does not contain the path of the model", "Pass the model with --model")
    model = given if isinstance(given, ClusteringModel) else load(log.model_path if given is None else given)
    found = model_fingerprint(model)
    if found != log.model:
        what = f"the folder was labelled by another model ({log.model[:12]}; this one is {found[:12]})"
        raise LatentclustError.at(where, what, "Pass the model that labelled it with --model")
    return model


def _polygon_options(log: RunLog) -> PolygonOptions | None:
    """Read the polygon options of a run. Raise LatentclustError if they are invalid."""
    try:
        return TypeAdapter(PolygonOptions | None).validate_python(log.options.get("vector"))
    except ValidationError as error:
        what = f"has invalid polygon options (options.vector: {error.errors()[0]['msg']})"
        raise LatentclustError.at(str(log.folder / RUN_LOG), what, NEW_FOLDER_FIX) from error


def _check_outputs(folder: Path, scenes: list[SceneResult]) -> None:
    """Raise LatentclustError for all missing outputs, or for a damaged STAC item, before any output is changed."""
    names = [name for scene in scenes for name in scene.files or {scene.output: 0}]
    fix = "Run the label command again: it writes missing outputs and keeps the others"
    raise_all(Issue(str(folder / name), "is missing", fix) for name in names if not (folder / name).is_file())
    for name in names:
        if name.endswith(STAC_SUFFIX):
            read_label_item(folder / name)


@contextmanager
def draft_folder(partial: Path) -> Iterator[Path]:
    """Yield a folder for drafts inside the folder of temporary files, and remove it at the end."""
    folder = partial / DRAFT_FOLDER
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def rewrite_scene(
    log: RunLog,
    scene: SceneResult,
    options: OutputOptions,
    drafts: Path,
    should_stop: ShouldStop,
    kept: frozenset[str] = frozenset(),
) -> tuple[str, ...]:
    """Rewrite all outputs of a scene that contain names or colours, publish them and record them in the run log.

    Args:
        log: The run log of the folder.
        scene: A finished scene.
        options: Names and colours of the outputs, and the polygon options.
        drafts: A folder for temporary files. Its contents are removed.
        should_stop: Returns True once the user asks to stop.
        kept: Names of styles and tables, without their folder, that stay as they are.

    Returns:
        Paths of the rasters, relative to the output folder.

    Raises:
        LatentclustError: If an output is damaged or was changed since it was written, or a file cannot be written.
        InterruptedRunError: If the user asks to stop. Nothing has changed then.
    """
    output, files = PurePath(scene.output), scene.files or {scene.output: UNKNOWN_SIZE}
    made = drafts / "made"
    shutil.rmtree(drafts, ignore_errors=True)
    made.mkdir(parents=True)
    rasters = _rewrite_rasters(log, scene, options, made, should_stop)
    _rewrite_zone_tables(log, scene, options, made, kept)
    _rewrite_polygons_and_item(log, scene, options, made, should_stop)
    for name in kept:
        (made / name).unlink(missing_ok=True)
    # If the process is killed while it publishes, each file has its old or its new size.
    changing = {name: UNKNOWN_SIZE for name in files if (made / PurePath(name).name).exists()}
    log.add_and_save(replace(scene, files={**files, **changing}))
    log.add_and_save(replace(scene, files={**files, **publish_outputs(log.folder, output, made, None)}))
    return rasters


def count_scene(log: RunLog, scene: SceneResult, legend: Legend, should_stop: ShouldStop) -> dict[int, int]:
    """Return the pixels of each cluster of a finished scene. Raise LatentclustError if the raster was changed."""
    labels = log.folder / scene.output
    counts = count_clusters(labels, len(legend.entries) - 1, should_stop)
    labelled = sum(counts.values()) - counts[0]
    if labelled != scene.pixels:
        what = f"contains {labelled:,} valid pixels, but {RUN_LOG} records {scene.pixels:,}"
        raise LatentclustError.at(str(labels), what, RELABEL_FIX)
    return counts


def _rewrite_rasters(
    log: RunLog, scene: SceneResult, options: OutputOptions, made: Path, should_stop: ShouldStop
) -> tuple[str, ...]:
    """Write the clusters, the classes if the run wrote them, and their legends. Return the paths of the rasters."""
    output, legend = PurePath(scene.output), options.clusters
    labels = log.folder / output
    counts = count_scene(log, scene, legend, should_stop)
    recolour(labels, made.parent / "labels.vrt", made / output.name, legend, scene.pixels)
    write_sidecars(made / output.name, legend, counts)
    write_area_table(made / output.name, legend, counts)
    classes = classes_raster(output)
    if options.classes is None or str(classes) not in (scene.files or {}):
        return (scene.output,)
    merge_classes(labels, made.parent / "classes-draft.tif", made / classes.name, options.classes, should_stop)
    sums = merged_counts(counts, options.classes)
    write_sidecars(made / classes.name, options.classes, sums)
    write_area_table(made / classes.name, options.classes, sums)
    return str(classes), scene.output


def _rewrite_zone_tables(
    log: RunLog, scene: SceneResult, options: OutputOptions, made: Path, kept: frozenset[str]
) -> None:
    """Rewrite the tables of zones that the run wrote."""
    output = PurePath(scene.output)
    for raster, names in ((output, options.clusters), (classes_raster(output), options.classes)):
        table = zone_table_path(raster)
        if names is not None and str(table) in (scene.files or {}) and table.name not in kept:
            rewrite_zone_table(log.folder / zone_table_path(output), made / table.name, names)


def _rewrite_polygons_and_item(
    log: RunLog, scene: SceneResult, options: OutputOptions, made: Path, should_stop: ShouldStop
) -> None:
    """Rewrite the polygons and the classes of the STAC item, if the run wrote them."""
    output, files, legend = PurePath(scene.output), scene.files or {}, options.clusters
    polygons, item = output.with_suffix(POLYGON_SUFFIX), output.with_suffix(STAC_SUFFIX)
    if options.vector and str(polygons) in files:
        write_polygons(log.folder / output, made / polygons.name, legend, options.vector, should_stop)
    if str(item) in files:
        rename_classes(log.folder / item, made / item.name, legend.names, legend.palette)
