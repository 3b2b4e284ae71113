"""What became of scenes, one by one and together."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

Status = Literal["started", "done", "failed", "outside", "planned"]
"""`started` remains where a run was stopped, `outside` has no pixel in the area, `planned` is a dry run's."""

SUCCESS_STATUSES = ("done", "outside", "planned")
"""What is no failure."""

UNKNOWN_SIZE = -1
"""Bytes of a file that may be there, old or new: it was about to be written."""


@dataclass(frozen=True, slots=True)
class SceneResult:
    """What became of one scene; a row of labelling.json.

    Attributes:
        input: The scene's file.
        output: The label raster, relative to the folder.
        status: Whether it is there.
        reason: Why it is not; empty where it is.
        warnings: What is odd about it.
        pixels: Pixels labelled.
        nodata: Pixels without data.
        seconds: Wall-clock time.
        finishing: That of putting strips together, and of the Cloud-Optimized GeoTIFFs.
        size: Of the input, bytes; -1 where it could not be told.
        mtime: When the input was last changed, nanoseconds since 1970; of an input of several files a checksum of the
            bytes and the time of each.
        files: What was written, relative to the folder, and bytes of each, or `UNTOLD`.
    """

    input: str
    output: str
    status: Status
    reason: str = ""
    warnings: tuple[str, ...] = ()
    pixels: int = 0
    nodata: int = 0
    seconds: float = 0.0
    finishing: float = 0.0
    size: int = -1
    mtime: int = 0
    files: Mapping[str, int] | None = None

    def row(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class LabelReport:
    """What a run over scenes came to.

    Attributes:
        folder: Holds the label rasters and labelling.json.
        scenes: What became of each, in order; with `strict` those after the first failure are missing.
        kept: The outputs that an earlier run had finished.
        model: SHA-256 of the model's tensors, recipe and band reading.
        windows: How many windows the model read, in this run.
        seconds: Wall-clock time of this run.
        note: Of a dry run: the windows and the memory, in words.
    """

    folder: Path
    scenes: tuple[SceneResult, ...]
    kept: frozenset[str]
    model: str
    windows: int
    seconds: float
    note: str = ""

    @property
    def failed(self) -> tuple[SceneResult, ...]:
        """Those that should have an output and have none."""
        return tuple(scene for scene in self.scenes if scene.status not in SUCCESS_STATUSES)

    @property
    def pixels(self) -> int:
        """Pixels labelled in this run."""
        return sum(scene.pixels for scene in self.scenes if scene.output not in self.kept)

    def as_json(self) -> dict[str, Any]:
        """What a machine reads."""
        facts = {"folder": str(self.folder), "model": self.model, "windows": self.windows, "seconds": self.seconds}
        rows = [{**scene.row(), "kept": scene.output in self.kept} for scene in self.scenes]
        return {**facts, "pixels": self.pixels, "scenes": rows}


@runtime_checkable
class LabelListener(Protocol):
    """Hears how far a run is."""

    def on_start(self, scenes: int, kept: int) -> None:
        """So many scenes are to be labelled, and so many were before."""

    def on_scene_start(self, name: str, windows: int) -> None:
        """A scene, with so many windows that are not labelled yet; others may still be at work."""

    def on_windows(self, count: int, pixels: int) -> None:
        """So many more windows of the scene are read or found empty, with so many pixels read by the model."""

    def on_scene_end(self, outcome: SceneResult) -> None:
        """The scene is written, or has failed."""


class NullLabelListener:
    """Hears and says nothing."""

    def on_start(self, scenes: int, kept: int) -> None:
        """Nothing."""

    def on_scene_start(self, name: str, windows: int) -> None:
        """Nothing."""

    def on_windows(self, count: int, pixels: int) -> None:
        """Nothing."""

    def on_scene_end(self, outcome: SceneResult) -> None:
        """Nothing."""
