"""What is made of a labelled scene: its rasters, and whatever else was asked for, under the names they will have."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path, PurePath

from latentclust.labelling.inputs import Scene
from latentclust.labelling.plan import Plan
from latentclust.labelling.scene import Task, put_together
from latentclust.labelling.write import Palette


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
    """What is wanted of every scene.

    Attributes:
        palette: Of the label rasters.
        names: What clusters are called.
    """

    palette: Palette
    names: tuple[str, ...]

    def make(self, plan: Plan, task: Task) -> Made:
        """Makes all of it, in the task's folder; raises LatentclustError where a file cannot be written."""
        began = time.monotonic()
        folder = task.folder / "made"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        targets = {name: folder / task.scene.raster(name).name for name in plan.rasters}
        pixels = put_together(plan, task, targets, self.palette, self.names)
        return Made(folder, pixels, () if pixels else ("no pixel of data",), time.monotonic() - began)

    def outputs(self, plan: Plan, scene: Scene) -> tuple[PurePath, ...]:
        """The files that a scene becomes, relative to the output folder."""
        return tuple(scene.raster(name) for name in plan.rasters)
