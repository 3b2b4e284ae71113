"""Atomic writing of files, after whose failure the old file is unchanged, and locks of folders."""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from latentclust.errors import LatentclustError

OUT_FIX = "Free some space, or write to another folder with --out"
TO_FIX = "Free some space, or write to another folder with --to"
CHOOSE_OTHER = "Choose another folder with --out"

LOCK_POLL = 0.02
"""Time in seconds between attempts to lock a file."""

PARTIAL = ".partial"
"""End of the name of a temporary file."""


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


def remove_stale(folder: Path) -> None:
    """Remove the temporary files that killed processes left in a folder. No process may be writing there."""
    for path in folder.glob(f".*{PARTIAL}"):
        if path.is_file():
            _discard(path)


@contextmanager
def lock_file(lock: Path, what: str, fix: str, wait: float = 0.0, unwritable: str = CHOOSE_OTHER) -> Iterator[None]:
    """Hold a lock against other processes. Its file is made in an existing folder, and removed at the end.

    Args:
        lock: Path of the file.
        what: What another process that holds it is doing, as a sentence.
        fix: Advice if another process holds it.
        wait: Time in seconds to wait for a process that holds it.
        unwritable: Advice if the folder cannot be written.

    Raises:
        LatentclustError: If another process holds the lock, or the file cannot be written or locked.
    """
    until = time.monotonic() + wait
    while (file := _lock_now(lock, unwritable)) is None:
        if time.monotonic() >= until:
            raise LatentclustError.at(str(lock.parent), what, fix)
        time.sleep(LOCK_POLL)
    with file:
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def _lock_now(lock: Path, unwritable: str) -> BinaryIO | None:
    """Open the file of a lock and lock it. Return None if another process holds the lock."""
    folder = str(lock.parent)
    try:
        file = lock.open("wb")
    except OSError as error:
        raise LatentclustError.at(folder, f"cannot be written ({error.strerror or error})", unwritable) from error
    with ExitStack() as stack:
        stack.enter_context(file)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A process that ends removes the file. One that was opened before that locks nothing any more.
            alone = os.path.samestat(os.fstat(file.fileno()), lock.stat())
        except (BlockingIOError, FileNotFoundError):
            alone = False
        except OSError as error:
            what = f"cannot be locked against a second run ({error.strerror or error})"
            raise LatentclustError.at(folder, what, "Choose a folder on another file system with --out") from error
        if alone:
            stack.pop_all()
        return file if alone else None


@contextmanager
def _renamed(path: Path, fix: str) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`. The file is renamed on success and removed on failure."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL}")
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
