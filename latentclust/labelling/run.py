"""Scenes labelled one after the other into a folder, with an account that lets a stopped run go on."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.infer.read import map_batch
from latentclust.labelling.feed import Plan
from latentclust.labelling.inputs import Scene, check_given, find_scenes
from latentclust.labelling.legend import palette_of
from latentclust.labelling.manifest import Manifest, identity, locked, open_manifest
from latentclust.labelling.outcome import LabelReport, SceneOutcome, Unwatched, Watcher
from latentclust.labelling.published import finished, publish, stamp
from latentclust.labelling.reading import band_reading
from latentclust.labelling.scene import label_scene
from latentclust.labelling.windows import Blend, grid_of
from latentclust.model import ClusteringModel, load
from latentclust.stopping import stop_on_signals
from latentclust.train.devices import make_fabric


def label(  # noqa: PLR0913 (the command's options)
    model: str | Path | ClusteringModel,
    scenes: str | Path | Iterable[str | Path],
    out: str | Path,
    *,
    tile: int | None = None,
    overlap: int | None = None,
    blend: Blend = "hann",
    batch: int | None = None,
    confidence: bool = False,
    seed: int = 0,
    device: str = "auto",
    overwrite: bool = False,
    strict: bool = False,
    watcher: Watcher | None = None,
) -> LabelReport:
    """Labels scenes of any size into Cloud-Optimized GeoTIFFs: cluster, counted from 1, or 0 for no data.

    A folder that an earlier run was stopped in is taken up again: finished scenes stay. A scene that fails is told of
    in the report and stops no other.

    Args:
        model: Of label maps: a model file, a run's folder, or a loaded model, which stays on its device.
        scenes: Rasters, folders, glob patterns, and text files of paths.
        out: The folder of the label rasters and of labelling.json.
        tile: Side of a window, pixels; that of the training images unless said.
        overlap: Pixels that windows share; a quarter of a window unless said. A quarter of it is discarded at each end.
        blend: How windows meet.
        batch: Windows at a time; the recipe's evaluate.batch_size unless said, and at most 2^20 pixels.
        confidence: Whether the confidence of labels is written, as NAME-confidence.tif: 1 is chance, 255 certainty.
        seed: Of an inference that draws.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        overwrite: Whether outputs of another model, other options or changed scenes are replaced.
        strict: Whether the first failure ends the run.
        watcher: Hears how far it is.

    Raises:
        LatentclustError: Before any scene is begun: no scenes, two of one name, a model or a folder that will not do.
        InterruptedRunError: Ctrl-C or SIGTERM; the same call goes on.
    """
    began = time.monotonic()
    folder = Path(out)
    found = find_scenes(check_given(scenes), folder)
    loaded = model if isinstance(model, ClusteringModel) else load(model, make_fabric(device, 1).device)
    where = "model" if isinstance(model, ClusteringModel) else str(model)
    bands = band_reading(loaded, where)
    grid = grid_of(loaded, tile, overlap, blend)
    size = map_batch(loaded.resolved.recipe.evaluate.batch_size if batch is None else batch, *grid.tile)
    plan = Plan(loaded, bands, grid, size, confidence, seed, palette_of(loaded.clusters))
    with locked(folder) as partial, stop_on_signals() as stopping:
        manifest = open_manifest(folder, identity(loaded), plan.options(), overwrite)
        kept = finished(manifest, found, overwrite, confidence)
        run = _Run(plan, manifest, partial, stopping, watcher or Unwatched())
        run.watcher.begun(len(found) - len(kept), len(kept))
        outcomes: list[SceneOutcome] = []
        windows = 0
        for scene in found:
            name = str(scene.output)
            if name in kept:
                outcomes.append(manifest.scenes[name])
                continue
            outcome, count = run.label(scene)
            outcomes.append(outcome)
            windows += count
            if strict and outcome.status == "failed":
                break
    return LabelReport(folder, tuple(outcomes), kept, manifest.model, windows, time.monotonic() - began)


@dataclass(frozen=True, slots=True)
class _Run:
    """A run at work."""

    plan: Plan
    manifest: Manifest
    partial: Path
    stopping: Callable[[], bool]
    watcher: Watcher

    def label(self, scene: Scene) -> tuple[SceneOutcome, int]:
        """Labels a scene and enters what became of it; also how many windows the model read."""
        if self.stopping():
            raise InterruptedRunError.at(str(scene.path), "stopped before it", "The same command goes on with it")
        began = time.monotonic()
        size, mtime = stamp(scene.path)
        started = SceneOutcome(str(scene.path.resolve()), str(scene.output), "started", size=size, mtime=mtime)
        self.manifest.record(started)
        windows = 0
        try:
            drafts = label_scene(self.plan, scene.path, self.partial, self.stopping, self.watcher)
            windows = drafts.windows
            files = publish(self.manifest.folder, scene, drafts)
            outcome = replace(started, status="done", warnings=drafts.warnings, files=files)
            outcome = replace(outcome, pixels=drafts.pixels, nodata=drafts.nodata)
        except InterruptedRunError:
            raise
        # One bad scene, whatever is bad about it, stops no other.
        except Exception as error:
            outcome = replace(started, status="failed", reason=_reason(error))
        outcome = replace(outcome, seconds=round(time.monotonic() - began, 3))
        self.manifest.record(outcome)
        self.watcher.scene_ended(outcome)
        return outcome, windows


def _reason(error: Exception) -> str:
    """Why a scene failed, in a line."""
    if isinstance(error, LatentclustError):
        return "; ".join(f"{issue.what}. {issue.fix}" for issue in error.issues)
    return f"{type(error).__name__}: {(str(error).splitlines() or ['no message'])[0]}"
