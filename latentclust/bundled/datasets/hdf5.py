"""HDF5 files, which need the extra that brings h5py."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from latentclust.api import LatentclustError, decode_errors


@contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """An open h5py file; raises LatentclustError where h5py is missing or the file is damaged or lacks what is read."""
    try:
        import h5py
    except ImportError as error:
        fix = "Run `pip install 'latentclust[h5ad]'`"
        raise LatentclustError.at(str(path), "needs h5py, which is not installed", fix) from error
    with decode_errors(path), h5py.File(path, "r") as file:
        yield file
