"""Dry runs: an estimate of what a run would do, without writing anything."""

from collections.abc import Iterable
from pathlib import Path

from latentclust.labelling.area.area_of_interest import AreaOfInterest
from latentclust.labelling.label_report import LabelReport, SceneResult
from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.mosaic.estimate import estimate_mosaic
from latentclust.labelling.outputs.publish import input_state
from latentclust.labelling.run_log import RunLog
from latentclust.labelling.scene_task import SceneTask, prepare_scene
from latentclust.labelling.scenes.georeference import Georeference
from latentclust.labelling.scheduler import failure_reason
from latentclust.labelling.windows.memory import MEGABYTE, scene_bytes, window_bytes
from latentclust.specs.scenes import Scene


def estimate_run(
    settings: LabelSettings,
    scenes: Iterable[Scene],
    area: AreaOfInterest | None,
    run_log: RunLog,
    kept: frozenset[str],
    mosaic: bool = False,
) -> LabelReport:
    """Open every unfinished scene and count its windows and pixels. Scenes that would fail are reported as failed.

    With `mosaic`, the extent of the mosaic of the others is estimated, too.
    """
    outcomes, windows, largest = [], 0, 0
    places: dict[str, Georeference | None] = {}
    for scene in scenes:
        name = str(scene.output)
        if name in kept:
            outcomes.append(run_log.scenes[name])
            places |= {name: None} if outcomes[-1].status == "done" else {}
            continue
        outcome, task = _scene_estimate(settings, scene, area)
        outcomes.append(outcome)
        windows += task.windows if task else 0
        if task:
            places[name] = task.georeference
            extent = task.bounds.height, task.bounds.width
            largest = max(largest, scene_bytes(settings, extent, task.bounds.width))
    note = _summary(settings, largest)
    found = estimate_mosaic(run_log.folder, places) if mosaic else None
    return LabelReport(run_log.folder, tuple(outcomes), kept, run_log.model, windows, 0.0, note, found)


def _summary(settings: LabelSettings, scene: int) -> str:
    """Return a summary of the windows and of the memory, given the bytes of the largest scene."""
    grid = settings.grid
    megabytes = (scene + settings.batch * window_bytes(settings)) / MEGABYTE
    radius = (
        "an unbounded receptive field" if grid.radius is None else f"a receptive-field radius of {grid.radius} pixels"
    )
    if grid.radius is not None and min(grid.margin) < grid.radius:
        radius += f", of which only {min(grid.margin)} are discarded: labels depend on the windows"
    size = f"{grid.tile[0]}x{grid.tile[1]} that share {grid.overlap[0]}, {settings.batch} at a time"
    return (
        f"{size}, in {settings.precision}; the model has {radius}; about {megabytes:,.0f} MB in addition to libraries"
    )


def _scene_estimate(
    settings: LabelSettings, scene: Scene, area: AreaOfInterest | None
) -> tuple[SceneResult, SceneTask | None]:
    size, mtime = input_state(scene)
    name = scene.name
    try:
        task = prepare_scene(settings, scene, Path(), area)
    # As in a run, a scene that fails does not stop the others.
    except Exception as error:
        return SceneResult(name, str(scene.output), "failed", failure_reason(error), size=size, mtime=mtime), None
    if task is None:
        return SceneResult(name, str(scene.output), "outside", size=size, mtime=mtime), None
    pixels = task.bounds.height * task.bounds.width
    return SceneResult(name, str(scene.output), "planned", "", task.warnings, pixels, size=size, mtime=mtime), task
