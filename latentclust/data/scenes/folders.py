"""Files in folders at any depth and files that glob patterns match, without label rasters."""

import glob
import os
import re
from collections import deque
from collections.abc import Collection, Iterator
from pathlib import Path

from latentclust.data.scenes.addresses import exists, resolve_links

RUN_LOG = "labelling.json"
"""Name of the run log in a folder of label rasters, whose rasters are no scenes."""


def find_files_below(root: Path, suffixes: Collection[str], out: Path | None) -> Iterator[Path]:
    """Return the files below a folder with one of the suffixes, sorted, including dangling links of such a name.

    Hidden files and folders, `out`, and folders of other label rasters are skipped. Folders behind links are searched
    after the others, each folder once. A folder that cannot be searched is itself in the result.

    Args:
        root: Folder to search.
        suffixes: Lower-case suffixes with their dots.
        out: Output folder, resolved. None if there is none.
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
    """Return the visible entries of a folder, sorted, and whether each is a link; nothing of a label folder."""
    with os.scandir(folder) as scanned:
        entries = sorted((entry.name, entry.is_symlink()) for entry in scanned)
    if any(name == RUN_LOG for name, _ in entries):
        return []
    return [(folder / name, linked) for name, linked in entries if not name.startswith(".")]


def glob_files(pattern: Path, root: Path, suffixes: Collection[str], out: Path | None) -> Iterator[Path]:
    """Yield the files that a glob pattern matches, sorted, without hidden files and outputs.

    If the pattern does not end with a suffix, as in `scenes/*`, only files with one of `suffixes` match.

    Args:
        pattern: Pattern in which `**` matches folders at any depth; links to folders are not followed there.
        root: Part of the pattern without wildcards.
        suffixes: Lower-case suffixes with their dots.
        out: Output folder, resolved. None if there is none.
    """
    parts = [part if part == "**" else re.sub(r"\*{2,}", "*", part) for part in pattern.relative_to(root).parts]
    if parts[-1] == "**":
        parts.append("*")
    anything = pattern.suffix and not glob.has_magic(pattern.suffix)
    hidden = any(part.startswith(".") for part in parts)
    for path in sorted(root.glob("/".join(parts))):
        visible = hidden or not any(part.startswith(".") for part in path.relative_to(root).parts)
        suffix_matches = anything or path.suffix.lower() in suffixes
        if (
            visible
            and suffix_matches
            and exists(path)
            and not is_folder(path)
            and not _in_label_folder(path, root, out)
        ):
            yield path


def literal_prefix(pattern: Path) -> Path:
    """Return the leading folders of a pattern that exist, even if their names look like wildcards."""
    return next((parent for parent in pattern.parents if parent.is_dir()), pattern.parents[-1])


def is_folder(path: Path) -> bool:
    """Return whether a path is an existing folder; False on errors, for which `Path.is_dir` would raise."""
    return os.path.isdir(path)  # noqa: PTH112


def require_regular(path: Path) -> None:
    """Raise OSError if a path is a pipe, a socket or a device, whose reading could wait for ever."""
    if exists(path) and not (os.path.isfile(path) or is_folder(path)):  # noqa: PTH113 (as above)
        raise OSError("it is not a regular file")


def is_inside(path: Path, out: Path | None) -> bool:
    """Return whether a path, with links resolved, is in the output folder."""
    return out is not None and resolve_links(path).is_relative_to(out)


def _in_label_folder(path: Path, root: Path, out: Path | None) -> bool:
    """Return whether a file is in a folder of label rasters."""
    folders = [folder for folder in path.parents if folder.is_relative_to(root)]
    return is_inside(path, out) or any(exists(folder / RUN_LOG) for folder in folders)
