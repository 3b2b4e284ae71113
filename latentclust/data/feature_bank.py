"""A feature bank: the features of a data set in one safetensors file, which is written in chunks and memory-mapped."""

import json
import math
import os
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from latentclust.errors import LatentclustError, first_problem
from latentclust.files import lock_file, write_atomic
from latentclust.specs.data import ImageSource
from latentclust.tensors import Shape

SUFFIX = ".safetensors"
UNFINISHED = ".unfinished"
"""Suffix of the file of a bank that is not complete; its header is in a file next to it."""

STATE = ".unfinished-header.json"

CHUNK = 256
"""Number of samples that are written, and survive a stop, together."""

NAME = "features"
"""Name of the tensor and of the header in the file."""

DTYPE = np.dtype("<f2")
"""Type of the stored values."""

LENGTH_BYTES = 8
PAGE = 4096

FULL = "Free some space, or set LATENTCLUST_FEATURES to a folder on another disk; what is written stays and is resumed"


class BankHeader(BaseModel):
    """The header of a feature bank.

    Attributes:
        format: Version of the layout.
        key: SHA-256 of everything that decides the values: weights, preprocessing, views and data.
        network: The network and the origin of its weights, for lists and reports.
        data: The data set, for lists.
        samples: Number of samples.
        rows: Number of vectors of each sample: its own, and one for each stored view.
        width: Size of a vector.
        seconds: Time of the computation, in seconds.
        checksums: CRC-32 of each chunk that is written.
        complete: Whether all chunks are written.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    format: Literal[1] = 1
    key: str
    network: str
    data: str
    samples: int
    rows: int
    width: int
    seconds: float = 0.0
    checksums: list[int] = []
    complete: bool = False

    @property
    def done(self) -> int:
        """Number of samples that are written."""
        return min(len(self.checksums) * CHUNK, self.samples)

    @property
    def stride(self) -> int:
        """Bytes of one sample."""
        return self.rows * self.width * DTYPE.itemsize

    @property
    def begin(self) -> int:
        """Position of the values in the file: after the header, for which pages are reserved."""
        return PAGE * math.ceil((PAGE + 16 * math.ceil(self.samples / CHUNK)) / PAGE)

    @property
    def size(self) -> int:
        """Size of the file in bytes."""
        return self.begin + self.samples * self.stride

    def encoded(self) -> bytes:
        """Return the beginning of the safetensors file, of `begin` bytes."""
        shape = [self.samples, self.rows, self.width]
        tensor = {"dtype": "F16", "shape": shape, "data_offsets": [0, self.samples * self.stride]}
        text = json.dumps({"__metadata__": {NAME: self.model_dump_json()}, NAME: tensor}).encode()
        length = self.begin - LENGTH_BYTES
        assert len(text) <= length, "the header fits into the pages that are reserved for it"
        return length.to_bytes(LENGTH_BYTES, "little") + text.ljust(length)


def bank_file(folder: Path, key: str) -> Path:
    """Return the file of a complete bank."""
    return folder / f"{key[:20]}{SUFFIX}"


def read_bank(path: Path) -> BankHeader:
    """Return the header of a complete bank, whose values are checked against their sums.

    Raises:
        LatentclustError: If the file is truncated or damaged, or is no complete bank.
    """
    header = read_header(path)
    problem = None if header.complete else "is not complete"
    if path.stat().st_size != header.size:
        problem = f"has {path.stat().st_size:,} bytes instead of {header.size:,}"
    if problem is None:
        wrong = _damage_of(path, path.stat().st_mtime_ns, header.model_dump_json())
        problem = None if wrong is None else f"has other values than were written from sample {wrong * CHUNK} on"
    if problem is not None:
        raise LatentclustError.at(str(path), f"the feature bank {problem}", "Delete it; it is then computed again")
    return header


@lru_cache(maxsize=16)
def _damage_of(path: Path, changed: int, header: str) -> int | None:
    """Return `_first_damaged` of a file; its values are read once in a process, until it has `changed`."""
    with path.open("rb") as file:
        return _first_damaged(file, BankHeader.model_validate_json(header))


def read_header(path: Path) -> BankHeader:
    """Return the header of a bank without checking its values. Raise LatentclustError if the file is no bank."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(LENGTH_BYTES), "little")
            tables = json.loads(file.read(min(length, path.stat().st_size)))
        return BankHeader.model_validate_json(tables["__metadata__"][NAME])
    except (OSError, KeyError, RecursionError, TypeError, ValueError) as error:
        what = f"is not a feature bank ({first_problem(error)})"
        raise LatentclustError.at(str(path), what, "Delete it; it is then computed again") from error


def _first_damaged(file: BinaryIO, header: BankHeader) -> int | None:
    """Return the number of the first chunk whose values are not those that were written. None if there is none."""
    file.seek(header.begin)
    for number, expected in enumerate(header.checksums):
        count = min(CHUNK, header.samples - number * CHUNK)
        if zlib.crc32(file.read(count * header.stride)) != expected:
            return number
    return None


class BankWriter:
    """A writer of a bank. It continues an unfinished file of the same key behind the last intact chunk.

    Only one process may write a bank; the caller holds the lock.

    Args:
        path: File of the complete bank.
        header: Header without checksums.

    Raises:
        LatentclustError: If the disk has too little space, or the folder cannot be written.
    """

    def __init__(self, path: Path, header: BankHeader) -> None:
        self.path = path
        self._values = path.with_suffix(UNFINISHED)
        self._state = path.with_suffix(STATE)
        self.header = self._continued(header)
        try:
            with self._values.open("r+b" if self.header.checksums else "wb") as file:
                os.posix_fallocate(file.fileno(), 0, header.size)
        except OSError as error:
            if not self.header.checksums:
                self._values.unlink(missing_ok=True)
            raise _not_written(self.path, error) from error

    def append(self, values: NDArray[np.float16], seconds: float) -> None:
        """Write the next chunk, `(m, rows, width)`, to the disk before it counts as written.

        Args:
            values: Features of the samples after `header.done`.
            seconds: Time since the last chunk.
        """
        raw = np.ascontiguousarray(values, DTYPE).tobytes()
        try:
            with self._values.open("r+b") as file:
                file.seek(self.header.begin + self.header.done * self.header.stride)
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _not_written(self.path, error) from error
        sums = [*self.header.checksums, zlib.crc32(raw)]
        total = self.header.seconds + seconds
        self.header = self.header.model_copy(update={"checksums": sums, "seconds": total})
        write_atomic(self._state, self.header.model_dump_json(), FULL)

    def finish(self) -> BankHeader:
        """Write the header, which says that the bank is complete, and give the file its name."""
        header = self.header.model_copy(update={"complete": True})
        try:
            with self._values.open("r+b") as file:
                file.write(header.encoded())
                file.flush()
                os.fsync(file.fileno())
            self._values.replace(self.path)
        except OSError as error:
            raise _not_written(self.path, error) from error
        self._state.unlink(missing_ok=True)
        return header

    def _continued(self, header: BankHeader) -> BankHeader:
        """Return the header with the chunks that an earlier process has written intact."""
        try:
            found = BankHeader.model_validate_json(self._state.read_text())
            if found.key != header.key or found.model_copy(update={"checksums": [], "seconds": 0.0}) != header:
                return header
            with self._values.open("rb") as file:
                wrong = _first_damaged(file, found)
        except (OSError, ValidationError, UnicodeDecodeError):
            return header
        return found.model_copy(update={"checksums": found.checksums[:wrong]})


def _not_written(path: Path, error: OSError) -> LatentclustError:
    return LatentclustError.at(str(path), f"cannot be written ({error.strerror or error})", FULL)


class BankSource(ImageSource):
    """The features of a complete bank, read from the memory-mapped file.

    Args:
        path: File of the bank.
        header: Its header.
        views: Whether each sample is its rows `(1 + v, d)` with those of its v views, or its own features `(d,)`.
    """

    preprocessed = True

    def __init__(self, path: Path, header: BankHeader, views: bool = False) -> None:
        self.shape: Shape = (header.rows, header.width) if views else (header.width,)
        self.dtype = np.dtype(np.float32)
        self.path, self.header = path, header
        self._rows = slice(None) if views else 0
        self._mapped: NDArray[np.float16] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the map, which every process opens for itself."""
        return self.__dict__ | {"_mapped": None}

    def __len__(self) -> int:
        """Return the number of samples."""
        return self.header.samples

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return the features of samples, float32. Raise LatentclustError if the file is gone or was truncated."""
        if self._mapped is None:
            shape = (self.header.samples, self.header.rows, self.header.width)
            try:
                self._mapped = np.memmap(self.path, DTYPE, "r", self.header.begin, shape)
            except (OSError, ValueError) as error:
                what = f"the feature bank cannot be read ({error})"
                raise LatentclustError.at(str(self.path), what, "Start the run again; it is then computed") from error
        values: NDArray[Any] = self._mapped[indices, self._rows].astype(np.float32)
        return values


def find_banks(folder: Path) -> Iterator[tuple[Path, BankHeader | None]]:
    """Yield the banks of a folder, complete or not, with their headers. None if a file is damaged."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        yield path, _header_or_none(path)
    for path in sorted(folder.glob(f"*{UNFINISHED}")):
        try:
            yield path, BankHeader.model_validate_json(path.with_suffix(STATE).read_text())
        except (OSError, ValidationError, UnicodeDecodeError):
            yield path, None


def _header_or_none(path: Path) -> BankHeader | None:
    try:
        return read_header(path)
    except LatentclustError:
        return None


def drop_bank(path: Path) -> int:
    """Delete a bank, complete or not, and return the size of its file. A process that reads it keeps its values.

    Raises:
        LatentclustError: If a process is writing it, or the folder cannot be written.
    """
    with lock_bank(path):
        try:
            size = path.stat().st_size
            path.unlink()
            path.with_suffix(STATE).unlink(missing_ok=True)
        except OSError as error:
            what = f"cannot be deleted ({error.strerror or error})"
            raise LatentclustError.at(str(path), what, "Check who may write there") from error
    return size


def lock_bank(path: Path) -> AbstractContextManager[None]:
    """Return a lock of a bank against other writers. LatentclustError is raised if another process holds it."""
    what = f"another process is writing the feature bank {path.stem}"
    return lock_file(path.with_suffix(".lock"), what, "Wait for it and start again: the bank is then read")
