"""The folders in which data sets are looked for."""

import importlib.util
import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pooch

VARIABLE = "LATENTCLUST_DATA"
"""The environment variable that names folders of data sets, separated as in PATH."""


IN_PACKAGE = re.compile(r"(\w{2,}):([^\\/].*)")
"""`PACKAGE:NAME`: a file of an installed package."""


def data_roots(environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Folders in order of precedence: those of $LATENTCLUST_DATA, ./data, the user's cache. They need not exist."""
    named = (part for part in environment.get(VARIABLE, "").split(os.pathsep) if part)
    return (*(Path(part).expanduser() for part in named), Path("data"), cache_root())


def cache_root() -> Path:
    """The user's cache folder, where downloads go."""
    return Path(pooch.os_cache("latentclust"))


def find_first(roots: Sequence[Path], patterns: Sequence[str]) -> Path | None:
    """The first file or folder that matches, in order of roots and then of glob patterns relative to a root."""
    matches = (match for root in roots for pattern in patterns for match in sorted(root.glob(pattern)))
    return next(matches, None)


def resolve_path(path: Path, roots: Sequence[Path]) -> Path | None:
    """The user's own file or folder: as it stands, or relative to the first root that holds it."""
    return next((root / path for root in (Path(), *roots) if (root / path).exists()), None)


def in_package(text: str) -> Path | None:
    """The file that `PACKAGE:NAME` names in an installed package, which is not imported; None for other texts."""
    match = IN_PACKAGE.fullmatch(text)
    spec = importlib.util.find_spec(match[1]) if match else None
    folders = [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []
    return next((found for folder in folders for found in sorted(folder.rglob(match[2]))), None) if match else None


def files_under(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """The files with one of the lower-case suffixes, at any depth, sorted; hidden files and folders are passed over."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))
