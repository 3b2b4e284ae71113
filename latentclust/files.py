"""Files that are either the old ones or the new ones, never half of each."""

import os
from pathlib import Path

from latentclust.errors import LatentclustError


def write_atomic(path: Path, content: str | bytes) -> None:
    """Writes UTF-8 text or bytes under a temporary name beside `path`, then renames it; makes a folder that is absent.

    Raises:
        LatentclustError: The disk is full, the folder read-only, or `path` a folder; what stood there is untouched.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_through(partial, data)
        partial.replace(path)
    except OSError as error:
        fix = "Free some space, or write to another folder with --out"
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
