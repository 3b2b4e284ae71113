"""What a prepared folder holds: its protocol, and for each unit its arrays, their hashes and the files they are of."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError

from latentclust.errors import LatentclustError
from latentclust.files import TO_FIX, write_atomic

FORMAT = 1
"""Counted up whenever a folder is laid out in another way."""

MANIFEST = "manifest.json"
"""The file that makes a folder whole: written last."""

JOURNAL = "preparing.json"
"""The same file while some units are still to be made; it becomes the manifest by being renamed."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class StoredFile(_Record):
    """A file of a prepared folder: its name there, its size in bytes and its sha256 in hexadecimal."""

    name: str
    size: int
    sha256: str


class InputFile(_Record):
    """A raw file: its path below the folder prepared from, its size in bytes, its modification time in ns."""

    path: str
    size: int
    modified: int


class Shard(_Record):
    """A unit on disk.

    Attributes:
        key: The unit's.
        tiles: How many there are; without any, there are no files either.
        images: uint8 `(n, c, h, w)`.
        labels: int16 `(n, h, w)`; None where the unit has no ground truth.
        valid: bool `(n, h, w)`; None where every pixel counts.
        labelled: How many tiles have a labelled pixel, and so are scored.
        scored: Their sha256; empty where there are none.
        inputs: What it was cut from.
        skipped: How many inputs the protocol left out, by reason.
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
        """Those that there are."""
        return tuple(file for file in (self.images, self.labels, self.valid) if file is not None)


class Manifest(_Record):
    """A prepared folder.

    Attributes:
        data_set: Its name.
        protocol: Name and version of the protocol.
        version: Of the protocol.
        options: The options of the data set under which tiles were made.
        classes: Names, in label order.
        shape: That of a tile, `(c, h, w)`; empty before the first.
        mask_reads_labels: Whether ground truth decides which pixels count.
        shards: In the order of the tiles.
        digest: The first digits of a sha256 over the scored tiles; empty before all are made, and where none is.
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
        """How many there are in all."""
        return sum(shard.tiles for shard in self.shards)

    @property
    def labelled(self) -> int:
        """How many tiles are scored."""
        return sum(shard.labelled for shard in self.shards)

    @property
    def skipped(self) -> Counter[str]:
        """How many inputs the protocol left out, by reason."""
        return sum((Counter(shard.skipped) for shard in self.shards), Counter())

    def write(self, path: Path) -> None:
        """Writes it as JSON, whole or not at all."""
        write_atomic(path, f"{self.model_dump_json(indent=1)}\n", TO_FIX)


def read_manifest(path: Path) -> Manifest:
    """A manifest or a journal; raises LatentclustError where it is none of this format."""
    fix = "Prepare the set anew into an empty folder with `latentclust data prepare`"
    try:
        text = path.read_bytes()
        found = json.loads(text)
        said = found.get("format") if isinstance(found, dict) else None
        if said != FORMAT:
            raise LatentclustError.at(str(path), f"has format {said!r}, and {FORMAT} is read here", fix)
        return Manifest.model_validate_json(text)
    except (OSError, ValidationError, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise LatentclustError.at(str(path), f"is no manifest of a prepared data set ({first})", fix) from error


class Hashed:
    """What is written to a file, hashed and counted on its way."""

    def __init__(self, file: BinaryIO) -> None:
        """Writes through to `file`."""
        self._file = file
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes) -> int:
        """Writes and hashes bytes."""
        self._hash.update(data)
        self._size += len(data)
        return self._file.write(data)

    def stored(self, name: str) -> StoredFile:
        """The facts of what was written so far."""
        return StoredFile(name=name, size=self._size, sha256=self._hash.hexdigest())


def damage(folder: Path, file: StoredFile, hashed: bool) -> str | None:
    """What is wrong with a stored file, or None: its presence and size, and its hash where asked."""
    path = folder / file.name
    if not path.is_file():
        return "is missing"
    size = path.stat().st_size
    if size != file.size:
        return f"has {size:,} bytes of {file.size:,}"
    if hashed and sha256(path) != file.sha256:
        return "is not what was written: its sha256 is another"
    return None


def sha256(path: Path) -> str:
    """The sha256 of a file, in hexadecimal, read by blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
