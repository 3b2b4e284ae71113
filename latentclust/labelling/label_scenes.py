"""Labelling of scenes into an output folder, with a run log from which a stopped run resumes."""

import shutil
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, Unpack

from rasterio.errors import NotGeoreferencedWarning

from latentclust.labelling.area.area_of_interest import AreaOfInterest, area_from_bbox, area_from_file
from latentclust.labelling.chosen_scenes import choose_scenes
from latentclust.labelling.clusters.restore import restore_missing
from latentclust.labelling.dry_run import estimate_run
from latentclust.labelling.label_options import MAX_POLYGONS, LabelOptions, LabelOptionValues, merge_options
from latentclust.labelling.label_report import LabelListener, LabelReport, NullLabelListener, SceneResult
from latentclust.labelling.label_settings import LabelSettings, make_settings
from latentclust.labelling.measure.zone_file import open_zones
from latentclust.labelling.mosaic.build import MosaicMaker, check_mosaic, outdated_mosaic
from latentclust.labelling.output_options import OutputOptions, StacOptions
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.outputs.publish import finished_scenes
from latentclust.labelling.run_log import RunLog, lock_folder, model_fingerprint, open_run_log
from latentclust.labelling.scheduler import LabelScheduler
from latentclust.labelling.vector.polygons import PolygonOptions
from latentclust.labelling.windows.memory import limit_batch
from latentclust.labelling.windows.strip_labeller import make_engine
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load
from latentclust.networks.stored_model import model_file
from latentclust.phases import phases_of
from latentclust.specs.scenes import Scene
from latentclust.stopping import stop_on_signals
from latentclust.train.devices import first_device


def label(
    model: str | Path | ClusteringModel,
    scenes: str | Path | Iterable[str | Path],
    out: str | Path,
    options: LabelOptions | None = None,
    *,
    listener: LabelListener | None = None,
    **changes: Unpack[LabelOptionValues],
) -> LabelReport:
    """Label scenes of any size into Cloud-Optimized GeoTIFFs: clusters count from 1, and 0 is nodata.

    A run that was stopped resumes in the same output folder: finished scenes and strips are kept. A scene that fails is
    listed in the report and does not stop the others.

    Args:
        model: Model of label maps: a model file, a run folder, or a loaded model, which stays on its device.
        scenes: Rasters, folders, glob patterns, URLs, STAC items, and text files that list any of them.
        out: Output folder of the label rasters and of labelling.json.
        options: Options of the run. Defaults to `LabelOptions()`.
        listener: Receives progress events.
        **changes: Options by keyword, as in `confidence=True`, that override those of `options`. See `LabelOptions`.

    Returns:
        The result of each scene.

    Raises:
        LatentclustError: Before any scene is labelled: if an option is unknown or invalid, no scene is found, two
            scenes have the same name, or the model or the output folder is unsuitable.
        InterruptedRunError: If the user stops the run with Ctrl-C, SIGTERM or SIGHUP. The same call resumes it.
    """
    start, phases = time.monotonic(), phases_of(listener)
    phases.begin("loading the model and finding scenes")
    run = _plan_run(model, scenes, Path(out), merge_options(options, changes))
    if run.options.dry_run:
        run_log = run.open_log()
        run.check_mosaic(run_log)
        finished = run.finished(run_log)
        return estimate_run(run.settings, run.scenes, run.area, run_log, finished, run.options.mosaic)
    with lock_folder(run.folder) as partial, stop_on_signals() as should_stop, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # The report lists scenes without georeference.
        run_log = run.open_log()
        run.check_mosaic(run_log)
        kept = restore_missing(run_log, run.finished(run_log), run.outputs, partial, should_stop)
        todo = [scene for scene in run.scenes if str(scene.output) not in kept]
        listener = listener or NullLabelListener()
        listener.on_start(len(todo), len(kept))
        scheduler = LabelScheduler(run.settings, run.outputs, run.area, run_log, partial, listener, run.options.strict)
        with make_engine(run.settings, partial, run.options.workers, run.options.scheduler) as engine:
            scheduler.label(todo, engine, should_stop)
        results = {**{name: run_log.scenes[name] for name in kept}, **scheduler.ended}
        ordered = tuple(results[name] for scene in run.scenes if (name := str(scene.output)) in results)
        if run.options.mosaic:
            phases.begin("making the mosaic")
        mosaic = run.make_mosaic(ordered, run_log, partial, should_stop)
        outdated = () if run.options.mosaic else outdated_mosaic(scheduler.ended.values(), run_log)
        if all(scene.status != "failed" for scene in scheduler.ended.values()):
            shutil.rmtree(partial, ignore_errors=True)
    seconds = time.monotonic() - start
    windows = scheduler.windows
    return LabelReport(
        run.folder,
        ordered,
        kept,
        run_log.model,
        windows,
        seconds,
        mosaic=mosaic,
        warnings=outdated,
        naming=run.settings.model.naming,
    )


@dataclass(frozen=True, slots=True)
class _LabelRun:
    """A run that has been checked and not started.

    Attributes:
        folder: Output folder.
        options: Options of the user.
        scenes: Scenes that were found.
        settings: Settings of windows and model.
        outputs: Outputs of each scene.
        area: Area that outputs are cut to. None for whole scenes.
        model: Fingerprint of the model.
        model_path: Path of the model file. Empty if the model was given as an object.
    """

    folder: Path
    options: LabelOptions
    scenes: tuple[Scene, ...]
    settings: LabelSettings
    outputs: OutputOptions
    area: AreaOfInterest | None
    model: str
    model_path: str

    def open_log(self) -> RunLog:
        """Open the run log of the output folder, or make one."""
        area = self.area.to_json() if self.area else None
        logged: dict[str, Any] = {**self.settings.options(), **self.outputs.options()}
        logged |= {"area": area, "bands": list(self.options.bands)}
        logged |= {"mask": masks.to_json()} if (masks := self.options.masks) else {}
        logged |= {"stack": True} if self.options.stack else {}
        return open_run_log(self.folder, self.model, logged, self.options.overwrite, self.model_path)

    def check_mosaic(self, run_log: RunLog) -> None:
        """Raise LatentclustError if a requested mosaic would replace files that it must not."""
        if self.options.mosaic:
            check_mosaic(self.settings, self.outputs, self.scenes, run_log, self.options.overwrite)

    def make_mosaic(
        self, scenes: Sequence[SceneResult], run_log: RunLog, partial: Path, should_stop: Callable[[], bool]
    ) -> SceneResult | None:
        """Write the mosaic of the scenes if it is requested, and no failure has ended the run."""
        ended = self.options.strict and any(scene.status == "failed" for scene in scenes)
        if ended or not self.options.mosaic:
            return None
        return MosaicMaker(self.settings, self.outputs, run_log, partial, should_stop).update(scenes)

    def finished(self, run_log: RunLog) -> frozenset[str]:
        """Return the outputs that an earlier run has finished."""

        def files(scene: Scene) -> Iterator[PurePath]:
            return self.outputs.outputs(self.settings, scene)

        return finished_scenes(run_log, self.scenes, self.options.overwrite, files)


def _plan_run(
    model: str | Path | ClusteringModel,
    scenes: str | Path | Iterable[str | Path],
    folder: Path,
    options: LabelOptions,
) -> _LabelRun:
    """Load the model, find the scenes and check everything that can be checked before a scene is opened."""
    area = _area(options)
    if isinstance(model, ClusteringModel):
        loaded, where, model_path = model, "model", ""
    else:
        loaded, where = load(model, first_device(options.device)), str(model)
        model_path = str(model_file(model).resolve())
    chosen = choose_scenes(loaded, scenes, options, origin=where, out=folder)
    settings = make_settings(
        loaded,
        chosen.bands,
        tile=options.tile,
        overlap=options.overlap,
        blend=options.blend,
        batch=options.batch,
        precision=options.precision,
        seed=options.seed,
        rasters=options.rasters,
        sieve=None if options.sieve is None else float(options.sieve),
    )
    settings = replace(settings, normalisation=chosen.normalisation)
    if options.memory_limit is not None:
        settings = limit_batch(settings, options.memory_limit)
    fingerprint = model_fingerprint(loaded)
    outputs = OutputOptions(
        Legend.from_clusters(loaded),
        Legend.from_classes(loaded) if options.classes else None,
        _polygons(options),
        StacOptions(fingerprint, options.datetime) if options.stac else None,
        None if options.zones is None else open_zones(Path(options.zones), options.zone_field),
    )
    outputs.check()
    return _LabelRun(folder, options, chosen.scenes, settings, outputs, area, fingerprint, model_path)


def _area(options: LabelOptions) -> AreaOfInterest | None:
    if options.geometry is not None:
        return area_from_file(Path(options.geometry))
    return None if options.bbox is None else area_from_bbox(options.bbox, options.bbox_crs)


def _polygons(options: LabelOptions) -> PolygonOptions | None:
    if not options.vector:
        return None
    smallest, sieved = options.min_area or 0, options.sieve or 0
    # A second sieve would merge regions that the first one leaves in the raster.
    smallest = float(smallest) if smallest > sieved else 0.0
    return PolygonOptions(smallest, options.max_polygons or MAX_POLYGONS, float(options.simplify or 0))
