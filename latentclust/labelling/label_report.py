"""Results of a labelling run, for each scene and in total."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from latentclust.cards import Card, Shown
from latentclust.labelling.measure.area_table import ValueArea, read_area_table, total_areas
from latentclust.labelling.outputs.sidecars import sidecar_paths

Status = Literal["started", "done", "failed", "outside", "planned"]
"""`started` remains if a run is stopped; `outside` means no pixel in the area; `planned` is the status of a dry run."""

SUCCESS_STATUSES = ("done", "outside", "planned")
"""Statuses that are not failures."""

UNKNOWN_SIZE = -1
"""Size recorded for a file before it is written. The file may be missing, old or new."""


@dataclass(frozen=True, slots=True)
class Seams:
    """Counts of the overlaps of a mosaic.

    Attributes:
        scenes: Number of scenes.
        overlap: Number of pixels that more than one scene labels.
        agreeing: Number of those that all of these scenes label equally.
    """

    scenes: int
    overlap: int
    agreeing: int

    def plus(self, overlap: int, agreeing: int) -> "Seams":
        """Return counts with further pixels."""
        return Seams(self.scenes, self.overlap + overlap, self.agreeing + agreeing)


@dataclass(frozen=True, slots=True)
class SceneResult:
    """The result of one scene, or of the mosaic of all scenes; a row of labelling.json.

    Attributes:
        input: Name of the scene: an absolute path, or a URL without secrets.
        output: Path of the label raster, relative to the output folder.
        status: Whether the scene was labelled, see `Status`.
        reason: Reason of a failure. Empty if there is none.
        warnings: Warnings about the scene.
        pixels: Number of pixels that were labelled.
        nodata: Number of nodata pixels.
        sieved: Number of pixels whose label the sieve changed.
        seams: Counts of the overlaps of a mosaic. None for a scene.
        joined: Outputs of the scenes that a mosaic joins. Empty for a scene.
        seconds: Wall-clock time in seconds.
        finishing: Time in seconds for merging strips and writing Cloud-Optimized GeoTIFFs.
        size: Input size in bytes, or -1 if unknown.
        mtime: Modification time of the input in nanoseconds since 1970. For an input of several files, a checksum of
            the size and time of each.
        files: Size in bytes, or `UNKNOWN_SIZE`, of each file that was written, by path relative to the output folder.
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
    sieved: int = 0
    seams: Seams | None = None
    joined: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        """Return the result as a JSON-serializable dict."""
        return asdict(self)


@dataclass(frozen=True, slots=True, repr=False)
class LabelReport(Shown):
    """The result of a labelling run.

    Attributes:
        folder: Output folder of the label rasters and of labelling.json.
        scenes: Result of each scene, in order. With `strict`, scenes after the first failure are missing.
        kept: Outputs that an earlier run had finished.
        model: SHA-256 of the model's tensors, recipe and band reading.
        windows: Number of windows that the model read in this run.
        seconds: Wall-clock time of this run in seconds.
        note: Windows and memory of a dry run, as text.
        mosaic: Result of the mosaic. None if there is none.
        warnings: Warnings about the output folder.
        naming: Sentences about the labels that named clusters.
    """

    folder: Path
    scenes: tuple[SceneResult, ...]
    kept: frozenset[str]
    model: str
    windows: int
    seconds: float
    note: str = ""
    mosaic: SceneResult | None = None
    warnings: tuple[str, ...] = ()
    naming: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """Number of scenes, and the folder."""
        failed = f", {len(self.failed):,} failed" if self.failed else ""
        return f"{len(self.scenes):,} scene{'' if len(self.scenes) == 1 else 's'}{failed} in {self.folder}"

    def _headline(self) -> str:
        return self.headline

    def _card(self) -> Card:
        from latentclust.labelling.label_summary import label_card

        return label_card(self)

    @property
    def failed(self) -> tuple[SceneResult, ...]:
        """Scenes that failed."""
        return tuple(scene for scene in self.scenes if scene.status not in SUCCESS_STATUSES)

    @property
    def failures(self) -> tuple[SceneResult, ...]:
        """Scenes that failed, and the mosaic if it failed."""
        return (*self.failed, *(each for each in (self.mosaic,) if each and each.status not in SUCCESS_STATUSES))

    @property
    def pixels(self) -> int:
        """Number of pixels that were labelled in this run."""
        return sum(scene.pixels for scene in self.scenes if scene.output not in self.kept)

    @property
    def sieved(self) -> int:
        """Number of pixels whose label the sieve changed in this run."""
        return sum(scene.sieved for scene in self.scenes if scene.output not in self.kept)

    @property
    def counted(self) -> tuple[SceneResult, ...]:
        """Finished results that areas are counted in: the mosaic if there is one, or else the scenes."""
        counted = (self.mosaic,) if self.mosaic and self.mosaic.status == "done" else self.scenes
        return tuple(scene for scene in counted if scene.status == "done")

    def areas(self) -> list[ValueArea]:
        """Add up the areas of the clusters over all finished scenes, from the tables of areas in the folder.

        With a mosaic, areas are those of the mosaic. Otherwise scenes that overlap count twice.

        Raises:
            LatentclustError: If a table is damaged.
        """
        return total_areas(read_area_table(sidecar_paths(self.folder / scene.output)[2]) for scene in self.counted)

    def as_json(self) -> dict[str, Any]:
        """Return the report as a JSON-serializable dict."""
        areas = [area.row() for area in self.areas()]
        facts = {"folder": str(self.folder), "model": self.model, "windows": self.windows, "seconds": self.seconds}
        rows = [{**scene.row(), "kept": scene.output in self.kept} for scene in self.scenes]
        mosaic = self.mosaic.row() if self.mosaic else None
        found = {"pixels": self.pixels, "areas": areas, "scenes": rows, "mosaic": mosaic}
        return {**facts, **found, "warnings": list(self.warnings), "naming": list(self.naming)}


@runtime_checkable
class LabelListener(Protocol):
    """Receives progress events of a labelling run."""

    def on_start(self, scenes: int, kept: int) -> None:
        """Receive the number of scenes to be labelled, and of those that an earlier run has finished."""

    def on_scene_start(self, name: str, windows: int) -> None:
        """Receive a scene that starts, and its number of windows to be labelled. Other scenes may still be running."""

    def on_windows(self, count: int, pixels: int) -> None:
        """Receive the number of further windows that were read or are nodata, and of pixels that the model read."""

    def on_scene_end(self, outcome: SceneResult) -> None:
        """Receive the result of a scene that was written or has failed."""


class NullLabelListener:
    """A listener that ignores all events."""

    def on_start(self, scenes: int, kept: int) -> None:
        """Do nothing."""

    def on_scene_start(self, name: str, windows: int) -> None:
        """Do nothing."""

    def on_windows(self, count: int, pixels: int) -> None:
        """Do nothing."""

    def on_scene_end(self, outcome: SceneResult) -> None:
        """Do nothing."""
