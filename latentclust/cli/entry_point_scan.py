"""A quick look at whether there are commands of plugins at all."""

import os
import sys
from pathlib import Path


def has_entry_points(group: str) -> bool:
    """Whether any file on the path may list entry points of a group.

    A quick look, for `latentclust --help`: importing importlib.metadata takes a twentieth of its time, and where no
    plugin has a command there is no need to. What is no folder, such as a zip file on the path, may list anything.
    """
    folders = [Path(entry or ".") for entry in sys.path]
    return any(folder.is_file() for folder in folders) or any(
        group.encode() in _bytes(Path(info, "entry_points.txt"))
        for folder in folders
        for info in _names(folder)
        if info.endswith((".dist-info", ".egg-info"))
    )


def _names(folder: Path) -> list[str]:
    """The paths of what lies in a folder; none where it cannot be read."""
    try:
        with os.scandir(folder) as found:
            return [item.path for item in found]
    except OSError:
        return []


def _bytes(file: Path) -> bytes:
    """What a file holds; nothing where it cannot be read."""
    try:
        return file.read_bytes()
    except OSError:
        return b""
