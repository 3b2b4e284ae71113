"""Files of arrays: samples and, if they contain them, labels of .npy, .npz, .mat and .h5ad files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.api import LatentclustError, decode_errors, to_uint8

Arrays = tuple[NDArray[Any], NDArray[Any] | None]
"""Samples and labels."""

_SAMPLES = ("x", "X")

_LABELS = ("y", "Y")

_WHITE = 255.0


@contextmanager
def open_npz(path: Path) -> Iterator[Any]:
    """Open a NumPy archive without unpickling.

    Raises:
        LatentclustError: If it is damaged, contains Python objects or does not contain what is read from it.
    """
    # Pass an open file, since numpy does not close a file that it opened itself if the archive is damaged.
    fix = "Copy the file again, or write it with numpy.savez without Python objects"
    with decode_errors(path, fix), path.open("rb") as content, np.load(content, allow_pickle=False) as file:
        yield file


@contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """Open an HDF5 file.

    Raises:
        LatentclustError: If h5py is not installed, or the file is damaged or does not contain what is read from it.
    """
    try:
        import h5py
    except ImportError as error:
        fix = "Run `pip install 'latentclust[h5ad]'`"
        raise LatentclustError.at(str(path), "requires h5py, which is not installed", fix) from error
    with decode_errors(path), h5py.File(path, "r") as file:
        yield file


def read_published_hdf5(path: Path, classes: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read images `data` `(n, c, h, w)` in 0 to 255 and 1-based `labels` of a file of the authors of JULE.

    Labels are reduced by 1, so that class 1 becomes 0. The files are written by MATLAB, which may have exchanged height
    and width; images are returned as stored.

    Raises:
        LatentclustError: If the file is damaged, contains other arrays, or a label is outside 1 to `classes`.
    """
    with open_hdf5(path) as file:
        stored, labels = file["data"][...], file["labels"][...].ravel().astype(np.int64) - 1
    if stored.ndim != 4:
        raise LatentclustError.at(str(path), f"data has the shape {stored.shape}", "Write images (n, c, h, w)")
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        what = f"labels are {labels.min() + 1} to {labels.max() + 1}, not within 1 to {classes}"
        raise LatentclustError.at(str(path), what, "Copy the file again")
    return to_uint8(stored, 0.0, _WHITE, str(path)), labels


def read_npy(path: Path, *, mapped: bool = False) -> Arrays:
    """Read the array of a .npy file, or map it into memory. There are no labels."""
    with decode_errors(path, "Write it with numpy.save, without Python objects"):
        array: NDArray[Any] = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    return array, None


def read_npz(path: Path, x: str | None, y: str | None, *, labelled: bool = True) -> Arrays:
    """Read the samples `x` and the labels `y` of a .npz file, by default by their usual keys.

    Without labels, the only array of a file holds the samples, whatever its name.
    """
    with open_npz(path) as file:
        labels = labels_key(file.files, y, path) if labelled else None
        only = file.files[0] if len(file.files) == 1 and not labelled else None
        return file[only or samples_key(file.files, x, path)], None if labels is None else file[labels]


def read_h5ad(path: Path, x: str | None, y: str | None) -> Arrays:
    """Read a dense or row-sparse matrix of an AnnData file, `X` by default, and the column `y` of `obs`."""
    with open_hdf5(path) as file:
        matrix = _dense(file[samples_key(list(file), x, path)], path)
        if y is None:
            return matrix, None
        return matrix, _column(file["obs"][labels_key(list(file["obs"]), y, path)])


def _dense(stored: Any, path: Path) -> NDArray[Any]:
    """Return a stored matrix, which AnnData writes as a data set or as a group with a csr_matrix, as a dense array."""
    from scipy.sparse import csr_matrix

    encoding = stored.attrs.get("encoding-type", "array")
    if encoding == "array":
        dense: NDArray[Any] = stored[...]
        return dense
    if encoding != "csr_matrix":
        what = f"the matrix is a {encoding}, which is not supported"
        raise LatentclustError.at(str(path), what, "Write it dense or as csr_matrix")
    values = (stored["data"][...], stored["indices"][...], stored["indptr"][...])
    rows, columns = (int(side) for side in stored.attrs["shape"])
    _check_csr(*values, rows, columns)
    matrix: NDArray[Any] = csr_matrix(values, shape=(rows, columns)).toarray()
    return matrix


def _check_csr(data: NDArray[Any], indices: NDArray[Any], starts: NDArray[Any], rows: int, columns: int) -> None:
    """Raise ValueError if a row-sparse matrix is not consistent: scipy would write outside of its memory."""
    if any(part.ndim != 1 for part in (data, indices, starts)) or rows < 0 or columns < 0:
        raise ValueError("a sparse matrix has parts of the wrong rank")
    if len(starts) != rows + 1 or len(data) != len(indices):
        raise ValueError(f"a sparse matrix of {rows} rows has {len(starts)} starts, {len(data)} values")
    if any(part.dtype.kind not in "iu" for part in (indices, starts)):
        raise ValueError("the indices of a sparse matrix are not integers")
    if starts[0] != 0 or starts[-1] != len(indices) or (np.diff(starts.astype(np.int64)) < 0).any():
        raise ValueError("the rows of a sparse matrix do not follow one another")
    if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < columns:
        raise ValueError(f"a sparse matrix of {columns} columns has indices {indices.min()} to {indices.max()}")


def _column(stored: Any) -> NDArray[Any]:
    """Return a column of `obs` as text.

    AnnData stores a categorical column as codes, in which -1 is missing, and a nullable one with a mask of what is.
    """
    encoding = str(stored.attrs.get("encoding-type", ""))
    if encoding.startswith("nullable"):
        return np.where(stored["mask"][...], "", _as_text(stored["values"]))
    if encoding == "categorical":
        names = np.append(_as_text(stored["categories"]), "")  # the code -1 is the last, a missing label
        codes = stored["codes"][...]
        if not len(codes) or codes.min() < -1 or codes.max() >= len(names) - 1:
            raise ValueError(f"a categorical column has codes outside -1 to {len(names) - 2}")
        named: NDArray[Any] = names[codes]
        return named
    return _as_text(stored)


def _as_text(stored: Any) -> NDArray[Any]:
    cells = stored.asstr()[...] if stored.dtype.kind == "O" else stored[...]
    text: NDArray[Any] = np.asarray(cells).astype(np.str_)
    return text


def read_mat(
    path: Path, x: str | None, y: str | None, *, labelled: bool = True
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Read the samples `x` and labels `y` of a MATLAB file up to version 7.2, by default by their usual keys.

    Raises:
        LatentclustError: If a variable is missing or the file is damaged.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError
    from scipy.sparse import issparse

    with decode_errors(path, "Download or copy it again; a file of version 7.3 must be saved again with -v7"):
        try:
            variables = loadmat(path)
        except MatReadError as error:
            raise ValueError(str(error)) from error
    names = [name for name, value in variables.items() if not name.startswith("__") and isinstance(value, np.ndarray)]
    sparse = [name for name in (_SAMPLES if x is None else (x,)) if issparse(variables.get(name))]
    if sparse:
        raise LatentclustError.at(
            str(path), f"{sparse[0]} is a sparse matrix", f"Save {sparse[0]} as full({sparse[0]})"
        )
    labels = labels_key(names, y, path) if labelled else None
    return variables[samples_key(names, x, path)], None if labels is None else variables[labels]


def samples_key(names: Sequence[str], asked: str | None, path: Path) -> str:
    """Return the requested or usual key of the samples. Raise LatentclustError if the file has no such array."""
    usual = next((name for name in _SAMPLES if name in names), _SAMPLES[0])
    return _existing_key(names, asked if asked is not None else usual, "x", path)


def labels_key(names: Sequence[str], asked: str | None, path: Path) -> str | None:
    """Return the requested or usual key of the labels, or None if there are no labels.

    Raises:
        LatentclustError: If the file has no array with the requested key.
    """
    if asked is None:
        return next((name for name in _LABELS if name in names), None)
    return _existing_key(names, asked, "y", path)


def _existing_key(names: Sequence[str], name: str, option: str, path: Path) -> str:
    if name not in names:
        what = f"does not contain {name!r}, only {', '.join(names) or 'nothing'}"
        raise LatentclustError.at(str(path), what, f"Set data.{option} to one of them, or rename it")
    return name
