"""Optional libraries that outputs other than rasters need, checked before a run begins."""

import importlib

from latentclust.errors import Issue, raise_all

EXTRAS = {"vector": ("pyogrio", "pyproj", "shapely"), "stac": ("pyproj", "pystac")}
"""What each extra brings."""


def check_extra(extra: str) -> None:
    """Raises LatentclustError where an extra's libraries, those of `EXTRAS`, are not installed."""
    issues = []
    for library in EXTRAS[extra]:
        try:
            importlib.import_module(library)
        except ImportError as error:
            fix = f"Run pip install 'latentclust[{extra}]'"
            issues.append(Issue(f"--{extra}", f"needs {library}, which cannot be imported ({error})", fix))
    raise_all(issues)
