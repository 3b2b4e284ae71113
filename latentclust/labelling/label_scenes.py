"""Scenes labelled into a folder, with an account that lets a stopped run go on."""

import shutil
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath

from rasterio.errors import NotGeoreferencedWarning

from latentclust.data.open_feed import map_batch
from latentclust.labelling.clusters.rewrite import restored
from latentclust.labelling.dry_run import estimate_run
from latentclust.labelling.label_report import LabelListener, LabelReport, NullLabelListener
from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.output_options import OutputOptions, StacOptions
from latentclust.labelling.outputs.legend import Legend
from latentclust.labelling.outputs.publish import finished_scenes
from latentclust.labelling.run_log import lock_folder, model_fingerprint, open_run_log
from latentclust.labelling.scenes.discover import check_given, find_scenes
from latentclust.labelling.scenes.inputs import Scene
from latentclust.labelling.scenes.reader import band_reading
from latentclust.labelling.scheduler import LabelScheduler
from latentclust.labelling.validate_options import (
    area_of,
    check_values,
    precision_of,
    refuse_alone,
    refuse_both,
    vector_of,
)
from latentclust.labelling.windows.grid import Blend, make_grid
from latentclust.labelling.windows.memory import limit_batch
from latentclust.labelling.windows.strip_labeller import make_engine
from latentclust.model.model import ClusteringModel, load, model_file
from latentclust.stopping import stop_on_signals
from latentclust.train.devices import make_fabric


def label(  # noqa: PLR0913 (the command's options)
    model: str | Path | ClusteringModel,
    scenes: str | Path | Iterable[str | Path],
    out: str | Path,
    *,
    bands: Sequence[str] = (),
    tile: int | None = None,
    overlap: int | None = None,
    blend: Blend = "hann",
    batch: int | None = None,
    precision: str = "auto",
    confidence: bool = False,
    probabilities: bool = False,
    classes: bool = False,
    vector: bool = False,
    min_area: float | None = None,
    max_polygons: int | None = None,
    stac: bool = False,
    datetime: str | None = None,
    bbox: tuple[float, float, float, float] | None = None,
    bbox_crs: str | None = None,
    geometry: str | Path | None = None,
    seed: int = 0,
    device: str = "auto",
    workers: int | None = None,
    scheduler: str | None = None,
    max_memory: int | None = None,
    overwrite: bool = False,
    strict: bool = False,
    dry_run: bool = False,
    listener: LabelListener | None = None,
) -> LabelReport:
    """Labels scenes of any size into Cloud-Optimized GeoTIFFs: cluster, counted from 1, or 0 for no data.

    A folder that an earlier run was stopped in is taken up again: finished scenes and strips stay. A scene that fails
    is told of in the report and stops no other.

    Args:
        model: Of label maps: a model file, a run's folder, or a loaded model, which stays on its device.
        scenes: Rasters, folders, glob patterns, URLs, STAC items, and text files of any of them.
        out: The folder of the label rasters and of labelling.json.
        bands: Words such as B04, B03, B02, where scenes come as a file a band: files whose names are alike but for
            these are one scene, its bands in this order.
        tile: Side of a window, pixels; that of the training images, or larger, unless said.
        overlap: Pixels that windows share; twice the model's radius and a ramp, or a quarter of a window.
        blend: How windows meet.
        batch: Windows at a time; unless said the recipe's evaluate.batch_size, and at most 2^20 pixels.
        precision: `fp32`, `bf16` or `fp16`: how networks compute; `auto` is bf16 on a GPU that has it, and else fp32.
        confidence: Whether the confidence of labels is written, as NAME-confidence.tif: 1 is chance, 255 certainty.
        probabilities: Whether NAME-probabilities.tif is: a band a cluster, 1 is none, 255 certainty.
        classes: Whether NAME-classes.tif is: clusters of one name merged into a class, which count from 1.
        vector: Whether NAME.gpkg is: a polygon for each connected region.
        min_area: Of polygons, m2, or pixels without a coordinate system: smaller regions go to a neighbour.
        max_polygons: A scene with more of them fails; a million unless said.
        stac: Whether NAME.stac.json is: an item of a SpatioTemporal Asset Catalog.
        datetime: When scenes were taken that do not say so themselves, such as 2020-06-01T12:00:00Z.
        bbox: West, south, east, north: outputs are cut to it, and the windows stay where they are.
        bbox_crs: Of `bbox`, such as `EPSG:4326`; each scene's own unless said.
        geometry: A file of polygons that outputs are cut to; instead of `bbox`.
        seed: Of an inference that draws.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        workers: Processes of a local Dask cluster that labels strips; this process does unless said.
        scheduler: The address of a Dask scheduler whose workers do, and which see the same paths.
        max_memory: Bytes that windows, strips and networks may take; smaller batches are used to keep to it.
        overwrite: Whether outputs of another model, other options or changed scenes are replaced.
        strict: Whether the first failure ends the run.
        dry_run: Whether nothing is written, and the report says what would be.
        listener: Receives progress events.

    Raises:
        LatentclustError: Before any scene is begun: no scenes, two of one name, a model or a folder that will not do.
        InterruptedRunError: Ctrl-C or SIGTERM; the same call goes on.
    """
    began = time.monotonic()
    check_values(blend, seed, {"--batch": batch, "--workers": workers, "--max-polygons": max_polygons})
    refuse_both({"--workers": workers, "--scheduler": scheduler})
    refuse_alone("--datetime", datetime, "--stac", stac or None)
    folder = Path(out)
    area = area_of(bbox, bbox_crs, geometry)
    loaded = model if isinstance(model, ClusteringModel) else load(model, make_fabric(device, 1).device)
    where = "model" if isinstance(model, ClusteringModel) else str(model)
    rasters = ("labels", *("confidence",) * confidence, *("probabilities",) * probabilities)
    reading = band_reading(loaded, where)
    found = find_scenes(check_given(scenes), folder, bands, reading.names)
    grid = make_grid(loaded, tile, overlap, blend)
    size = map_batch(loaded.resolved.recipe.evaluate.batch_size, *grid.tile) if batch is None else batch
    settings = LabelSettings(loaded, reading, grid, size, precision_of(precision, loaded.device), seed, rasters)
    if max_memory is not None:
        settings = limit_batch(settings, max_memory)
    known = model_fingerprint(loaded)
    products = OutputOptions(
        Legend.from_clusters(loaded),
        Legend.from_classes(loaded) if classes else None,
        vector_of(vector, min_area, max_polygons),
        StacOptions(known, datetime) if stac else None,
    )
    products.check()
    options = {
        **settings.options(),
        **products.options(),
        "area": area.to_json() if area else None,
        "bands": list(bands),
    }
    path = "" if isinstance(model, ClusteringModel) else str(model_file(model).resolve())

    def outputs(scene: Scene) -> Iterator[PurePath]:
        return products.outputs(settings, scene)

    if dry_run:
        run_log = open_run_log(folder, known, options, overwrite)
        return estimate_run(settings, found, area, run_log, finished_scenes(run_log, found, overwrite, outputs))
    with lock_folder(folder) as partial, stop_on_signals() as should_stop, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # the report says which scenes have no place
        run_log = open_run_log(folder, known, options, overwrite, path)
        kept = finished_scenes(run_log, found, overwrite, outputs)
        kept = restored(run_log, kept, products, partial, should_stop)
        work = LabelScheduler(settings, products, area, run_log, partial, listener or NullLabelListener(), strict)
        work.listener.on_start(len(found) - len(kept), len(kept))
        todo = [scene for scene in found if str(scene.output) not in kept]
        with make_engine(settings, partial, workers, scheduler) as engine:
            work.label(todo, engine, should_stop)
        if all(scene.status != "failed" for scene in work.ended.values()):
            shutil.rmtree(partial, ignore_errors=True)
    every = {**{name: run_log.scenes[name] for name in kept}, **work.ended}
    outcomes = tuple(every[name] for scene in found if (name := str(scene.output)) in every)
    return LabelReport(folder, outcomes, kept, run_log.model, work.windows, time.monotonic() - began)
