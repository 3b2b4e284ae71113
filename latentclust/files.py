"""Files that are either the old ones or the new ones, never half of each."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from latentclust.errors import LatentclustError

OUT_FIX = "Free some space, or write to another folder with --out"
TO_FIX = "Free some space, or write to another folder with --to"


def write_atomic(path: Path, content: str | bytes, fix: str = OUT_FIX) -> None:
    """Writes UTF-8 text or bytes under a temporary name beside `path`, then renames it; makes a folder that is absent.

    Raises:
        LatentclustError: The disk is full, the folder read-only, or `path` a folder; what stood there is untouched.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with _renamed(path, fix) as partial:
        _write_through(partial, data)


@contextmanager
def open_atomic(path: Path, fix: str = OUT_FIX) -> Iterator[BinaryIO]:
    """A file under a temporary name beside `path`, which takes that name when the block ends, and not if it fails.

    Args:
        path: What is written; its folder is made where it is absent.
        fix: What to do where it cannot be.

    Raises:
        LatentclustError: The disk is full, the folder read-only, or `path` a folder; what stood there is untouched.
    """
    with _renamed(path, fix) as partial, partial.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _renamed(path: Path, fix: str) -> Iterator[Path]:
    """A temporary name in the folder of `path`; what is written there is renamed at the end, or removed."""
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
    """Removes what a failed write left; where even that is refused, the first error is the one to hear of."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return
