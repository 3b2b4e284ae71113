"""What a run would do, without doing it."""

from collections.abc import Iterable
from pathlib import Path

from latentclust.labelling.area.area_of_interest import AreaOfInterest
from latentclust.labelling.label_report import LabelReport, SceneOutcome
from latentclust.labelling.label_settings import Plan
from latentclust.labelling.outputs.publish import input_state
from latentclust.labelling.run_log import Manifest
from latentclust.labelling.scene_task import Task, prepare
from latentclust.labelling.scenes.inputs import Scene
from latentclust.labelling.scheduler import reason_of
from latentclust.labelling.windows.memory import MEGABYTE, strip_bytes, window_bytes


def planned(
    plan: Plan, scenes: Iterable[Scene], area: AreaOfInterest | None, manifest: Manifest, kept: frozenset[str]
) -> LabelReport:
    """Opens every scene that is not done, and counts its windows and pixels; scenes that would fail are told of."""
    outcomes, windows, width = [], 0, 0
    for scene in scenes:
        name = str(scene.output)
        if name in kept:
            outcomes.append(manifest.scenes[name])
            continue
        outcome, task = _planned(plan, scene, area)
        outcomes.append(outcome)
        windows += task.windows if task else 0
        width = max(width, task.extent.width if task else 0)
    note = _note(plan, width)
    return LabelReport(manifest.folder, tuple(outcomes), kept, manifest.model, windows, 0.0, note)


def _note(plan: Plan, width: int) -> str:
    """The windows, and the memory of the widest scene."""
    grid = plan.grid
    megabytes = (strip_bytes(plan, width) + plan.batch * window_bytes(plan)) / MEGABYTE
    far = "without a known bound" if grid.radius is None else f"{grid.radius} pixels far"
    if grid.radius is not None and min(grid.margin) < grid.radius:
        far += f", of which only {min(grid.margin)} are discarded: its labels depend on the windows"
    size = f"{grid.tile[0]}x{grid.tile[1]} that share {grid.overlap[0]}, {plan.batch} at a time"
    return f"{size}, in {plan.precision}; the model looks {far}; about {megabytes:,.0f} MB beside the libraries"


def _planned(plan: Plan, scene: Scene, area: AreaOfInterest | None) -> tuple[SceneOutcome, Task | None]:
    size, mtime = input_state(scene)
    name = scene.name
    try:
        task = prepare(plan, scene, Path(), area)
    # As in a run: one bad scene stops no other.
    except Exception as error:
        return SceneOutcome(name, str(scene.output), "failed", reason_of(error), size=size, mtime=mtime), None
    if task is None:
        return SceneOutcome(name, str(scene.output), "outside", size=size, mtime=mtime), None
    pixels = task.extent.height * task.extent.width
    odd = task.warnings
    found = SceneOutcome(name, str(scene.output), "planned", "", odd, pixels, size=size, mtime=mtime)
    return found, task
