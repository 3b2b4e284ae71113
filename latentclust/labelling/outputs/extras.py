"""Check of the optional libraries that polygons, STAC items and zones require."""

import importlib

from latentclust.errors import LatentclustError

EXTRAS = {
    "vector": ("pyogrio",),
    "stac": ("pystac",),
    "view": ("rio_tiler", "starlette", "uvicorn"),
    "zones": ("exactextract", "pyogrio"),
}
"""Libraries that each extra installs."""


def check_extra(extra: str, where: str | None = None) -> None:
    """Raise LatentclustError if a library of an extra cannot be imported.

    Args:
        extra: A key of `EXTRAS`.
        where: What requires it. Defaults to the option of the same name.
    """
    for library in EXTRAS[extra]:
        try:
            importlib.import_module(library)
        except ImportError as error:
            what = f"requires {library}, which cannot be imported ({error})"
            raise LatentclustError.at(where or f"--{extra}", what, f"Run pip install 'latentclust[{extra}]'") from error
