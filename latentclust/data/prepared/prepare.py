"""Preparation of a folder, with one unit in memory at a time; an interrupted preparation is resumed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from latentclust.data.prepared.manifest import InputFile, Manifest
from latentclust.data.prepared.prepared_dataset import PreparedDatasetSpec
from latentclust.data.prepared.writer import Folder, input_file
from latentclust.data.tiled import no_tiles
from latentclust.data.tiling import Unit, cut, units_of
from latentclust.errors import LatentclustError

Inputs = tuple[InputFile, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A completed unit, as a progress event.

    Attributes:
        key: Key of the unit.
        done: Number of completed units, including this one.
        units: Number of units.
        tiles: Number of tiles of the unit.
        kept: Whether an earlier preparation wrote the unit, whose files have been verified.
    """

    key: str
    done: int
    units: int
    tiles: int
    kept: bool


def prepare(spec: PreparedDatasetSpec, origin: Path, target: Path, on_step: Callable[[Step], None]) -> Manifest:
    """Cut the raw files below `origin` into tiles, and write them to `target`.

    A unit that an earlier, interrupted preparation wrote is kept if its inputs and its files have not changed. The
    manifest is written when all units are complete; without it, the folder is not a data set.

    Args:
        spec: Data set with its options, which select the protocol.
        origin: Folder of the raw files.
        target: Output folder. It is created if it does not exist.
        on_step: Called after each unit.

    Raises:
        LatentclustError: If raw files are missing, damaged or inconsistent, the target contains another preparation or
            one of other files, or the disk is full.
    """
    units = units_of(spec, origin)
    inputs = [tuple(input_file(path, origin) for path in unit.inputs) for unit in units]
    folder = Folder(spec, target)
    if folder.finished:
        _refuse_other_inputs(folder, units, inputs, origin)
    for number, (unit, read) in enumerate(zip(units, inputs, strict=True), start=1):
        kept = folder.holds(unit.key, read)
        if not kept:
            folder.write(unit.key, cut(unit, len(spec.class_names), folder.shape), read)
        on_step(Step(unit.key, number, len(units), folder.shards[unit.key].tiles, kept))
    manifest = folder.manifest([unit.key for unit in units])
    if not manifest.tiles:
        raise no_tiles(spec, origin, manifest.skipped)
    folder.finish(manifest)
    return manifest


def _refuse_other_inputs(folder: Folder, units: Sequence[Unit], inputs: Sequence[Inputs], origin: Path) -> None:
    """Raise LatentclustError for a complete folder of other raw files: it may be in use, so it is only repaired."""
    now = {unit.key: read for unit, read in zip(units, inputs, strict=True)}
    before = {key: shard.inputs for key, shard in folder.shards.items()}
    other = sorted(key for key in now.keys() | before.keys() if now.get(key) != before.get(key))
    if other:
        what = f"is complete, but was prepared from other files than {origin} contains: {', '.join(other[:3])} changed"
        raise LatentclustError.at(str(folder.path), what, "Use a new folder with --to, or remove this one")
