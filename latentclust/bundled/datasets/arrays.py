"""Array files: samples and, where they are there, labels of .npy, .npz, .csv, .mat and .h5ad."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.api import LatentclustError, decode_errors
from latentclust.bundled.datasets.array_keys import labels_key, samples_key
from latentclust.bundled.datasets.hdf5 import open_hdf5
from latentclust.bundled.datasets.npz import open_npz

Arrays = tuple[NDArray[Any], NDArray[Any] | None]
"""Samples and labels."""


def read_npy(path: Path) -> Arrays:
    """The one array of a .npy file; no labels."""
    with decode_errors(path, "Write it by numpy.save, without Python objects"):
        array: NDArray[Any] = np.load(path, allow_pickle=False)
    return array, None


def read_npz(path: Path, x: str | None, y: str | None) -> Arrays:
    """The arrays named, or x and y by their usual names."""
    with open_npz(path) as file:
        labels = labels_key(file.files, y, path)
        return file[samples_key(file.files, x, path)], None if labels is None else file[labels]


def read_h5ad(path: Path, x: str | None, y: str | None) -> Arrays:
    """An AnnData matrix, `X` unless named, dense or sparse by rows, and the column of `obs` that `y` names."""
    with open_hdf5(path) as file:
        matrix = _dense(file[samples_key(list(file), x, path)], path)
        if y is None:
            return matrix, None
        return matrix, _column(file["obs"][labels_key(list(file["obs"]), y, path)])


def _dense(stored: Any, path: Path) -> NDArray[Any]:
    """A dataset as it is; a group as AnnData writes scipy's csr_matrix."""
    from scipy.sparse import csr_matrix

    encoding = stored.attrs.get("encoding-type", "array")
    if encoding == "array":
        dense: NDArray[Any] = stored[...]
        return dense
    if encoding != "csr_matrix":
        raise LatentclustError.at(str(path), f"the matrix is a {encoding}", "Write it dense or as csr_matrix")
    values = (stored["data"][...], stored["indices"][...], stored["indptr"][...])
    matrix: NDArray[Any] = csr_matrix(values, shape=tuple(stored.attrs["shape"])).toarray()
    return matrix


def _column(stored: Any) -> NDArray[Any]:
    """A column as it is, or a categorical one as its codes, in which -1 is missing."""
    if stored.attrs.get("encoding-type") == "categorical":
        named: NDArray[Any] = _cells(stored["categories"])[_present(stored["codes"][...])]
        return named
    return _cells(stored)


def _cells(stored: Any) -> NDArray[Any]:
    cells = stored.asstr()[...] if stored.dtype.kind == "O" else stored[...]
    text: NDArray[Any] = np.asarray(cells).astype(np.str_)
    return text


def _present(codes: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    missing = int(np.count_nonzero(codes < 0))
    if missing:
        raise ValueError(f"{missing} samples have no label")
    return codes
