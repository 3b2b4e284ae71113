"""A fast test for entry points, which avoids importing importlib.metadata."""

import os
import sys
from pathlib import Path


def has_entry_points(group: str) -> bool:
    """Return whether any file on the path may list entry points of a group.

    `latentclust --help` calls it, because importing importlib.metadata takes a twentieth of its time and is needed only
    if a plugin has a command. A file on the path, such as a zip archive, counts as one that may list anything.
    """
    folders = [Path(entry or ".") for entry in sys.path]
    return any(folder.is_file() for folder in folders) or any(
        group.encode() in _bytes(Path(info, "entry_points.txt"))
        for folder in folders
        for info in _names(folder)
        if info.endswith((".dist-info", ".egg-info"))
    )


def _names(folder: Path) -> list[str]:
    """Return the paths of the entries of a folder. There are none if it cannot be read."""
    try:
        with os.scandir(folder) as found:
            return [item.path for item in found]
    except OSError:
        return []


def _bytes(file: Path) -> bytes:
    """Return the content of a file, or no bytes if it cannot be read."""
    try:
        return file.read_bytes()
    except OSError:
        return b""
