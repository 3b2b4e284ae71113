"""What a run would do, without doing it."""

from collections.abc import Iterable
from pathlib import Path

from latentclust.labelling.area.area_of_interest import AreaOfInterest
from latentclust.labelling.label_report import LabelReport, SceneResult
from latentclust.labelling.label_settings import LabelSettings
from latentclust.labelling.outputs.publish import input_state
from latentclust.labelling.run_log import RunLog
from latentclust.labelling.scene_task import SceneTask, prepare_scene
from latentclust.labelling.scenes.inputs import Scene
from latentclust.labelling.scheduler import failure_reason
from latentclust.labelling.windows.memory import MEGABYTE, strip_bytes, window_bytes


def estimate_run(
    settings: LabelSettings, scenes: Iterable[Scene], area: AreaOfInterest | None, run_log: RunLog, kept: frozenset[str]
) -> LabelReport:
    """Opens every scene that is not done, and counts its windows and pixels; scenes that would fail are told of."""
    outcomes, windows, width = [], 0, 0
    for scene in scenes:
        name = str(scene.output)
        if name in kept:
            outcomes.append(run_log.scenes[name])
            continue
        outcome, task = _planned(settings, scene, area)
        outcomes.append(outcome)
        windows += task.windows if task else 0
        width = max(width, task.extent.width if task else 0)
    note = _note(settings, width)
    return LabelReport(run_log.folder, tuple(outcomes), kept, run_log.model, windows, 0.0, note)


def _note(settings: LabelSettings, width: int) -> str:
    """The windows, and the memory of the widest scene."""
    grid = settings.grid
    megabytes = (strip_bytes(settings, width) + settings.batch * window_bytes(settings)) / MEGABYTE
    far = "without a known bound" if grid.radius is None else f"{grid.radius} pixels far"
    if grid.radius is not None and min(grid.margin) < grid.radius:
        far += f", of which only {min(grid.margin)} are discarded: its labels depend on the windows"
    size = f"{grid.tile[0]}x{grid.tile[1]} that share {grid.overlap[0]}, {settings.batch} at a time"
    return f"{size}, in {settings.precision}; the model looks {far}; about {megabytes:,.0f} MB beside the libraries"


def _planned(
    settings: LabelSettings, scene: Scene, area: AreaOfInterest | None
) -> tuple[SceneResult, SceneTask | None]:
    size, mtime = input_state(scene)
    name = scene.name
    try:
        task = prepare_scene(settings, scene, Path(), area)
    # As in a run: one bad scene stops no other.
    except Exception as error:
        return SceneResult(name, str(scene.output), "failed", failure_reason(error), size=size, mtime=mtime), None
    if task is None:
        return SceneResult(name, str(scene.output), "outside", size=size, mtime=mtime), None
    pixels = task.extent.height * task.extent.width
    odd = task.warnings
    found = SceneResult(name, str(scene.output), "planned", "", odd, pixels, size=size, mtime=mtime)
    return found, task
