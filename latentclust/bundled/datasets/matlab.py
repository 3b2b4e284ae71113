"""MATLAB files up to version 7.2."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from latentclust.api import decode_errors
from latentclust.bundled.datasets.array_keys import labels_key, samples_key


def read_mat(path: Path, x: str | None, y: str | None) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """The variables named, or x and y by their usual names; raises LatentclustError where one is absent or damaged."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    with decode_errors(path, "Fetch or copy it again; a file of version 7.3 must be saved anew with -v7"):
        try:
            variables = loadmat(path)
        except MatReadError as error:
            raise ValueError(str(error)) from error
    names = [name for name in variables if not name.startswith("__")]
    labels = labels_key(names, y, path)
    return variables[samples_key(names, x, path)], None if labels is None else variables[labels]
