"""Atomic writing of files: after a failure the old file is unchanged."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from latentclust.errors import LatentclustError

OUT_FIX = "Free some space, or write to another folder with --out"
TO_FIX = "Free some space, or write to another folder with --to"


def write_atomic(path: Path, content: str | bytes, fix: str = OUT_FIX) -> None:
    """Write UTF-8 text or bytes to a temporary file next to `path`, then rename it. Missing folders are created.

    Raises:
        LatentclustError: If the disk is full, the folder is read-only or `path` is a folder. The old file is unchanged.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with _renamed(path, fix) as partial:
        _write_through(partial, data)


@contextmanager
def open_atomic(path: Path, fix: str = OUT_FIX) -> Iterator[BinaryIO]:
    """Yield a temporary file next to `path`, which is renamed to `path` if the block succeeds.

    Args:
        path: File to be written. Missing folders are created.
        fix: Advice of the error if the file cannot be written.

    Raises:
        LatentclustError: If the disk is full, the folder is read-only or `path` is a folder. The old file is unchanged.
    """
    with _renamed(path, fix) as partial, partial.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _renamed(path: Path, fix: str) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`. The file is renamed on success and removed on failure."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except OSError as error:
        raise LatentclustError.at(str(path), f"cannot be written ({error.strerror or error})", fix) from error
    finally:
        _discard(partial)


def _write_through(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _discard(path: Path) -> None:
    """Remove a temporary file. An error is ignored, because that of the write is the one to report."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return
