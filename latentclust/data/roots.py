"""Data roots, and finding files in them, in packages and in folders."""

import importlib.util
import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

VARIABLE = "LATENTCLUST_DATA"
"""Environment variable with the folders of data sets, separated as in PATH."""

FEATURES_VARIABLE = "LATENTCLUST_FEATURES"
"""Environment variable with the folder of feature banks."""

IN_PACKAGE = re.compile(r"(\w{2,}):([^\\/].*)")
"""Pattern of `PACKAGE:NAME`, a file of an installed package."""


def data_roots(environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Return the data roots in order of precedence: $LATENTCLUST_DATA, ./data, the cache. They may not exist."""
    named = (part for part in environment.get(VARIABLE, "").split(os.pathsep) if part)
    return (*(Path(part).expanduser() for part in named), Path("data"), cache_root())


def cache_root() -> Path:
    """Return the user's cache folder, which downloads are written to."""
    import pooch  # only for downloads, and not for every plugin that imports the api

    return Path(pooch.os_cache("latentclust"))


def features_root(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of feature banks: $LATENTCLUST_FEATURES, or `features` in the cache. It may not exist."""
    named = environment.get(FEATURES_VARIABLE)
    return Path(named).expanduser() if named else cache_root() / "features"


def find_first(roots: Sequence[Path], patterns: Sequence[str]) -> Path | None:
    """Return the first matching file or folder, or None.

    Args:
        roots: Folders in order of precedence.
        patterns: Glob patterns relative to a root, in order of precedence within a root.
    """
    matches = (match for root in roots for pattern in patterns for match in sorted(root.glob(pattern)))
    return next(matches, None)


def resolve_path(path: Path, roots: Sequence[Path]) -> Path | None:
    """Return an existing path: the path itself, or relative to the first root that contains it. Otherwise None."""
    return next((root / path for root in (Path(), *roots) if (root / path).exists()), None)


def in_package(text: str) -> Path | None:
    """Return the file `PACKAGE:NAME` of an installed package, which is not imported. None for other texts."""
    match = IN_PACKAGE.fullmatch(text)
    spec = importlib.util.find_spec(match[1]) if match else None
    folders = [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []
    return next((found for folder in folders for found in sorted(folder.rglob(match[2]))), None) if match else None


def files_under(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """Return the files with one of the lower-case suffixes, at any depth, sorted, without hidden files and folders."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))
