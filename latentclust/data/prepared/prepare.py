"""The making of a prepared folder, one unit in memory at a time, taken up again where it was left."""

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
    """A unit that is there.

    Attributes:
        key: The unit's.
        done: How many units are there with it.
        units: How many there will be.
        tiles: How many it has.
        kept: Whether an earlier preparation made it, and it was verified now.
    """

    key: str
    done: int
    units: int
    tiles: int
    kept: bool


def prepare(spec: PreparedDatasetSpec, origin: Path, target: Path, tell: Callable[[Step], None]) -> Manifest:
    """Cuts the raw files below `origin` into tiles, and writes them to `target`.

    A unit that an earlier, interrupted preparation wrote is kept if its inputs and its files are what they were. The
    manifest, without which the folder is no data set, appears when every unit is there.

    Args:
        spec: The data set, with the options that choose its protocol.
        origin: The folder of the raw files.
        target: The folder to write; made where it is absent.
        tell: Called after each unit.

    Raises:
        LatentclustError: Raw files that are absent, damaged or do not fit together; a target that holds another
            preparation or one of other files; a full disk.
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
        tell(Step(unit.key, number, len(units), folder.shards[unit.key].tiles, kept))
    manifest = folder.manifest([unit.key for unit in units])
    if not manifest.tiles:
        raise no_tiles(spec, origin, manifest.skipped)
    folder.finish(manifest)
    return manifest


def _refuse_other_inputs(folder: Folder, units: Sequence[Unit], inputs: Sequence[Inputs], origin: Path) -> None:
    """A finished folder is a data set that somebody may have scored on: it is mended, and not made of other files."""
    now = {unit.key: read for unit, read in zip(units, inputs, strict=True)}
    before = {key: shard.inputs for key, shard in folder.shards.items()}
    other = sorted(key for key in now.keys() | before.keys() if now.get(key) != before.get(key))
    if other:
        what = f"is finished, of other files than {origin} holds now: {', '.join(other[:3])} changed, came or went"
        raise LatentclustError.at(str(folder.path), what, "Name a new folder with --to, or remove this one")
