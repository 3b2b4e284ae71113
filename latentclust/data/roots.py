"""The folders in which data sets are looked for."""

import os
from collections.abc import Mapping
from pathlib import Path

import pooch

VARIABLE = "LATENTCLUST_DATA"
"""The environment variable that names folders of data sets, separated as in PATH."""


def data_roots(environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Folders in order of precedence: those of $LATENTCLUST_DATA, ./data, the user's cache. They need not exist."""
    named = (part for part in environment.get(VARIABLE, "").split(os.pathsep) if part)
    return (*(Path(part).expanduser() for part in named), Path("data"), cache_root())


def cache_root() -> Path:
    """The user's cache folder, where downloads go."""
    return Path(pooch.os_cache("latentclust"))
