"""Metadata of a safetensors file, read and changed; the tensors stay bit for bit the same."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from latentclust.errors import LatentclustError
from latentclust.files import open_atomic
from latentclust.networks.stored_model import LENGTH_BYTES

ALIGNMENT = 8
"""Headers are padded with spaces to a multiple of this number of bytes."""

METADATA = "__metadata__"

FIX = "Check who may write there, or change a copy of the file"

Metadata = Mapping[str, str]


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata. Raise LatentclustError if it is not a safetensors file; no tensor is read."""
    try:
        with path.open("rb") as source:
            return {**_read_header(source).get(METADATA, {})}
    except (OSError, AttributeError, TypeError, ValueError) as error:
        raise _not_safetensors(path, error) from error


def replace_metadata(path: Path, change: Callable[[Metadata], Metadata]) -> None:
    """Change entries of the metadata atomically. The target of a symbolic link is changed, and the link stays.

    Args:
        path: The file.
        change: Given the metadata, returns the entries that change. The file is not written if there are none.

    Raises:
        LatentclustError: If it is not a safetensors file, the folder cannot be written, or another process replaces
            the file meanwhile. The file does not change then.
    """
    path = path.resolve()
    try:
        with path.open("rb") as source:
            header = _read_header(source)
            metadata = {**header.get(METADATA, {})}
            changes = change(metadata)
            if not changes:
                return
            text = json.dumps({**header, METADATA: {**metadata, **changes}}, ensure_ascii=False).encode()
            text += b" " * (-len(text) % ALIGNMENT)
            with open_atomic(path, FIX) as target:
                shutil.copymode(path, target.name)
                target.write(len(text).to_bytes(LENGTH_BYTES, "little") + text)
                shutil.copyfileobj(source, target)
                _check_same(path, source)
    except (OSError, AttributeError, TypeError, ValueError) as error:
        raise _not_safetensors(path, error) from error


def _read_header(source: BinaryIO) -> dict[str, Any]:
    """Read the header, after which the tensors follow."""
    length = int.from_bytes(source.read(LENGTH_BYTES), "little")
    header = json.loads(source.read(min(length, os.fstat(source.fileno()).st_size)))
    if not isinstance(header, dict):
        raise TypeError("its header is not an object")
    return header


def _check_same(path: Path, source: BinaryIO) -> None:
    """Raise LatentclustError if the path is no longer the file that was read."""
    read, now = os.fstat(source.fileno()), path.stat()
    if (read.st_dev, read.st_ino, read.st_size, read.st_mtime_ns) != (
        now.st_dev,
        now.st_ino,
        now.st_size,
        now.st_mtime_ns,
    ):
        what = "was replaced by another process while it was being changed"
        raise LatentclustError.at(str(path), what, "Look at what is there now, and repeat the change")


def _not_safetensors(path: Path, error: Exception) -> LatentclustError:
    return LatentclustError.at(str(path), f"is not a safetensors file ({error})", "Check the path")
