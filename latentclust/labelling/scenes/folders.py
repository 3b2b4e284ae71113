"""What lies in folders at any depth, and what glob patterns match; each folder once, and no label raster."""

import glob
import os
import re
from collections import deque
from collections.abc import Collection, Iterator
from pathlib import Path

from latentclust.labelling.run_log import RUN_LOG
from latentclust.labelling.scenes.addresses import resolve_links


def find_files_below(root: Path, suffixes: Collection[str], out: Path | None) -> Iterator[Path]:
    """Files with one of the lower-case suffixes, and links of such a name to nothing; sorted.

    Passed over are hidden files and folders, `out`, and the folders of other label rasters. Folders that links lead to
    are searched after the others, each folder once. One that cannot be searched is itself among what is found.

    Args:
        root: Where to begin.
        suffixes: With their dots.
        out: The output folder, resolved; None where there is none.
    """
    found: list[Path] = []
    seen: set[Path] = set()
    folders, links = deque([root]), deque[Path]()
    while folders or links:
        folder = folders.popleft() if folders else links.popleft()
        place = resolve_links(folder)
        if place in seen or (out and place.is_relative_to(out)):
            continue
        seen.add(place)
        try:
            entries = _entries(folder)
        except OSError:
            found.append(folder)
            continue
        for path, linked in entries:
            if is_folder(path):
                (links if linked else folders).append(path)
            elif path.suffix.lower() in suffixes and not (linked and is_inside(path, out)):
                found.append(path)
    return iter(sorted(found))


def _entries(folder: Path) -> list[tuple[Path, bool]]:
    """What a folder holds that is not hidden, sorted, and whether it is a link; nothing of label rasters."""
    with os.scandir(folder) as scanned:
        entries = sorted((entry.name, entry.is_symlink()) for entry in scanned)
    if any(name == RUN_LOG for name, _ in entries):
        return []
    return [(folder / name, linked) for name, linked in entries if not name.startswith(".")]


def glob_files(pattern: Path, root: Path, suffixes: Collection[str], out: Path | None) -> Iterator[Path]:
    """The files that a glob pattern matches, sorted, hidden ones and outputs left out.

    Of a pattern that does not end with a suffix, as `scenes/*` does not, only files with one of `suffixes`.

    Args:
        pattern: Where `**` stands for folders at any depth; links to folders are not followed there.
        root: The folders of it that hold no wildcard.
        suffixes: With their dots, lower-case.
        out: The output folder, resolved; None where there is none.
    """
    parts = [part if part == "**" else re.sub(r"\*{2,}", "*", part) for part in pattern.relative_to(root).parts]
    if parts[-1] == "**":
        parts.append("*")
    anything = pattern.suffix and not glob.has_magic(pattern.suffix)
    hidden = any(part.startswith(".") for part in parts)
    for path in sorted(root.glob("/".join(parts))):
        told = hidden or not any(part.startswith(".") for part in path.relative_to(root).parts)
        suits = anything or path.suffix.lower() in suffixes
        if told and suits and path.is_file() and not _in_label_folder(path, root, out):
            yield path


def literal_prefix(pattern: Path) -> Path:
    """The folders of a pattern that are there as they stand, though they may look like wildcards."""
    return next((parent for parent in pattern.parents if parent.is_dir()), pattern.parents[-1])


def is_folder(path: Path) -> bool:
    """Whether a folder is there; False where that cannot be told, of which `Path.is_dir` would make an error."""
    return os.path.isdir(path)  # noqa: PTH112


def is_inside(path: Path, out: Path | None) -> bool:
    """Whether a path, links followed, lies in the output folder."""
    return out is not None and resolve_links(path).is_relative_to(out)


def _in_label_folder(path: Path, root: Path, out: Path | None) -> bool:
    """Whether a file is in the folder of some label rasters."""
    folders = [folder for folder in path.parents if folder.is_relative_to(root)]
    return is_inside(path, out) or any((folder / RUN_LOG).exists() for folder in folders)
