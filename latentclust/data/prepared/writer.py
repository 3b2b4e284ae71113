"""Writing of a prepared folder, in an order that makes an interrupted preparation resumable."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from latentclust.data.prepared.manifest import (
    JOURNAL,
    MANIFEST,
    Hashed,
    InputFile,
    Manifest,
    Shard,
    StoredFile,
    damage,
    read_manifest,
)
from latentclust.data.prepared.prepared_dataset import PreparedDatasetSpec, blank, mismatch
from latentclust.data.tiled import digest, fingerprint, scored
from latentclust.data.tiling import Tiles
from latentclust.errors import LatentclustError
from latentclust.files import TO_FIX, open_atomic
from latentclust.tensors import Shape

ARRAYS = ("images", "labels", "valid")
"""Arrays of a unit, written as `KEY.images.npy`, `KEY.labels.npy` and `KEY.valid.npy`."""


class Folder:
    """A folder that is being prepared, or has been.

    Args:
        spec: Data set with its options.
        path: The folder. Its shards, if any, are kept.

    Attributes:
        path: The folder.
        finished: Whether the folder has a manifest.
        shards: Recorded shards by key.
        shape: Shape of a tile. None before the first tile.

    Raises:
        LatentclustError: If the folder contains another preparation or other files.
    """

    def __init__(self, spec: PreparedDatasetSpec, path: Path) -> None:
        self.path = path
        self.finished = (path / MANIFEST).is_file()
        record = path / (MANIFEST if self.finished else JOURNAL)
        self._blank = blank(spec)
        found = read_manifest(record) if record.is_file() else self._blank
        other = mismatch(found, self._blank)
        if other:
            raise LatentclustError.at(
                str(path), f"contains another preparation: it {other}", "Use another folder with --to"
            )
        if found is self._blank and path.exists() and (not path.is_dir() or any(path.iterdir())):
            what = "already exists and is not a prepared data set"
            raise LatentclustError.at(str(path), what, "Use an empty or a new folder with --to")
        self.shards = {shard.key: shard for shard in found.shards}
        self.shape: Shape | None = found.shape or None

    def holds(self, key: str, inputs: tuple[InputFile, ...]) -> bool:
        """Return whether a unit of these inputs is complete: every file exists with its recorded hash."""
        shard = self.shards.get(key)
        if shard is None or shard.inputs != inputs:
            return False
        return all(damage(self.path, file, hashed=True) is None for file in shard.files)

    def write(self, key: str, tiles: Tiles, inputs: tuple[InputFile, ...]) -> None:
        """Write the arrays of a unit, and then record it. A finished folder becomes unfinished."""
        self._open()
        arrays = (tiles.images, tiles.labels, tiles.valid) if len(tiles) else (None, None, None)
        names = (f"{key}.{name}.npy" for name in ARRAYS)
        images, labels, valid = (self._save(name, array) for name, array in zip(names, arrays, strict=True))
        self.shards[key] = Shard(
            key=key,
            tiles=len(tiles),
            images=images,
            labels=labels,
            valid=valid,
            labelled=len(scored(tiles)),
            scored=fingerprint(tiles),
            inputs=inputs,
            skipped=dict(tiles.skipped),
        )
        if len(tiles):
            self.shape = tiles.images.shape[1:]
        self._record(tuple(self.shards))

    def manifest(self, keys: Sequence[str]) -> Manifest:
        """Return the manifest of some units, in their order."""
        shards = tuple(self.shards[key] for key in keys)
        found = {"shards": shards, "shape": self.shape or (), "digest": digest(shard.scored for shard in shards)}
        return self._blank.model_copy(update=found)

    def finish(self, manifest: Manifest) -> None:
        """Finish the folder: write the journal, rename it to the manifest, and remove files of other units."""
        if not self.finished:
            manifest.write(self.path / JOURNAL)
            (self.path / JOURNAL).replace(self.path / MANIFEST)
            self.finished = True
        kept = {file.name for shard in manifest.shards for file in shard.files}
        for path in (item for name in ARRAYS for item in self.path.glob(f"*.{name}.npy*")):
            if path.name not in kept:
                path.unlink(missing_ok=True)

    def _open(self) -> None:
        """Write a journal first, so that a later run recognises the folder as a preparation."""
        if self.finished:
            (self.path / MANIFEST).replace(self.path / JOURNAL)
            self.finished = False
        elif not (self.path / JOURNAL).is_file():
            self._record(())

    def _record(self, keys: Sequence[str]) -> None:
        self.manifest(keys).write(self.path / JOURNAL)

    def _save(self, name: str, array: NDArray[Any] | None) -> StoredFile | None:
        if array is None:
            return None
        with open_atomic(self.path / name, TO_FIX) as file:
            hashed = Hashed(file)
            np.lib.format.write_array(cast("Any", hashed), array, allow_pickle=False)
        return hashed.stored(name)


def input_file(path: Path, origin: Path) -> InputFile:
    """Return the record of a raw file, with its path relative to `origin` if it is below it."""
    facts = path.stat()
    below = path.relative_to(origin) if path.is_relative_to(origin) else path
    return InputFile(path=below.as_posix(), size=facts.st_size, modified=facts.st_mtime_ns)
