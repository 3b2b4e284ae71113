"""The manifest of a prepared folder: its protocol, and the arrays, hashes and input files of each unit."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError

from latentclust.errors import LatentclustError
from latentclust.files import TO_FIX, write_atomic

FORMAT = 1
"""Version of the folder's layout."""

MANIFEST = "manifest.json"
"""File name of the manifest. It is written last, so a folder with a manifest is complete."""

JOURNAL = "preparing.json"
"""File name of the manifest while units are missing. It is renamed when all are complete."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class StoredFile(_Record):
    """A file of a prepared folder: its name, its size in bytes and its SHA-256 as hexadecimal digits."""

    name: str
    size: int
    sha256: str


class InputFile(_Record):
    """A raw file: its path below the folder of raw files, its size in bytes and its modification time in ns."""

    path: str
    size: int
    modified: int


class Shard(_Record):
    """The files of a prepared data set that come from one raw unit.

    Attributes:
        key: Key of the unit.
        tiles: Number of tiles. Without tiles, there are no files.
        images: Tiles, uint8 `(n, c, h, w)`.
        labels: Label maps, int16 `(n, h, w)`. None without ground truth.
        valid: Valid pixels, bool `(n, h, w)`. None if all are valid.
        labelled: Number of scored tiles: those with a labelled pixel.
        scored: SHA-256 of the scored tiles; empty if there are none.
        inputs: Files that the tiles were cut from.
        skipped: Number of inputs that the protocol excludes, by reason.
    """

    key: str
    tiles: int
    images: StoredFile | None
    labels: StoredFile | None
    valid: StoredFile | None
    labelled: int
    scored: str
    inputs: tuple[InputFile, ...]
    skipped: dict[str, int]

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """Existing files of the shard."""
        return tuple(file for file in (self.images, self.labels, self.valid) if file is not None)


class Manifest(_Record):
    """The contents of manifest.json: the files and hashes of a prepared data set.

    Attributes:
        format: Version of the folder's layout.
        data_set: Name of the data set.
        protocol: Name of the protocol.
        version: Version of the protocol.
        options: Options of the data set that the tiles were cut with.
        classes: Class names in label order.
        shape: Shape of a tile, `(c, h, w)`; empty before the first tile.
        mask_reads_labels: Whether ground truth decides which pixels are valid.
        shards: Shards in the order of the tiles.
        digest: First digits of a SHA-256 over the scored tiles; empty if there are none, or units are missing.
    """

    format: int = FORMAT
    data_set: str
    protocol: str
    version: int
    options: dict[str, Any]
    classes: tuple[str, ...]
    mask_reads_labels: bool
    shape: tuple[int, ...] = ()
    shards: tuple[Shard, ...] = ()
    digest: str = ""

    @property
    def tiles(self) -> int:
        """Total number of tiles."""
        return sum(shard.tiles for shard in self.shards)

    @property
    def labelled(self) -> int:
        """Number of scored tiles."""
        return sum(shard.labelled for shard in self.shards)

    @property
    def skipped(self) -> Counter[str]:
        """Number of inputs that the protocol excludes, by reason."""
        return sum((Counter(shard.skipped) for shard in self.shards), Counter())

    def write(self, path: Path) -> None:
        """Write the manifest as JSON, atomically."""
        write_atomic(path, f"{self.model_dump_json(indent=1)}\n", TO_FIX)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest or a journal. Raise LatentclustError if it is missing, damaged or of another format."""
    fix = "Prepare the data set again into an empty folder with `latentclust data prepare`"
    try:
        text = path.read_bytes()
        found = json.loads(text)
        said = found.get("format") if isinstance(found, dict) else None
        if said != FORMAT:
            raise LatentclustError.at(str(path), f"expected format {FORMAT}, got {said!r}", fix)
        return Manifest.model_validate_json(text)
    except (OSError, ValidationError, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise LatentclustError.at(str(path), f"is not the manifest of a prepared data set ({first})", fix) from error


class Hashed:
    """A file wrapper that hashes and counts the bytes that are written.

    Args:
        file: File to write to.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes) -> int:
        """Write and hash bytes."""
        self._hash.update(data)
        self._size += len(data)
        return self._file.write(data)

    def stored(self, name: str) -> StoredFile:
        """Return name, size and hash of the bytes written so far."""
        return StoredFile(name=name, size=self._size, sha256=self._hash.hexdigest())


def damage(folder: Path, file: StoredFile, hashed: bool) -> str | None:
    """Return what is wrong with a stored file, or None. Its hash is compared only if `hashed`."""
    path = folder / file.name
    if not path.is_file():
        return "is missing"
    size = path.stat().st_size
    if size != file.size:
        return f"expected {file.size:,} bytes, got {size:,}"
    if hashed and sha256(path) != file.sha256:
        return "is damaged: its SHA-256 differs from the manifest"
    return None


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits, reading it in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
