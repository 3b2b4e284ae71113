"""Check of the optional libraries that polygons and STAC items require."""

import importlib

from latentclust.errors import LatentclustError

EXTRAS = {"vector": "pyogrio", "stac": "pystac"}
"""Library that each extra installs."""


def check_extra(extra: str) -> None:
    """Raise LatentclustError if the library of an extra, a key of `EXTRAS`, cannot be imported."""
    library = EXTRAS[extra]
    try:
        importlib.import_module(library)
    except ImportError as error:
        what = f"requires {library}, which cannot be imported ({error})"
        raise LatentclustError.at(f"--{extra}", what, f"Run pip install 'latentclust[{extra}]'") from error
