"""Arrays and labels that Python passes, checked and as NumPy arrays."""

import sys
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import issparse
from torch import Tensor

from latentclust.errors import LatentclustError

FORMS = "Pass vectors (n, d), or images (n, h, w), (n, c, h, w) or (n, h, w, c)"

_RANKS = (2, 3, 4)
_MAPS = 3
"""Number of axes of label maps."""


def as_array(values: Any, where: str = "images") -> NDArray[Any]:
    """Return an array of numbers as a NumPy array, without a copy where there can be one.

    Args:
        values: A NumPy array, also memory-mapped, a torch tensor, a pandas DataFrame of numbers, or what
            `numpy.asarray` accepts.
        where: Argument for messages.

    Raises:
        LatentclustError: If it does not contain real numbers, is sparse, has masked values or has another number of
            axes than vectors or images.
    """
    array = _numbers(values, where)
    if array.dtype.kind not in "buif":
        what = f"is an array of type {array.dtype}"
        raise LatentclustError.at(where, what, "Convert it to real numbers, for example by .astype(float)")
    if array.ndim not in _RANKS:
        raise LatentclustError.at(where, f"is an array of shape {array.shape}", FORMS)
    if not array.size:
        raise LatentclustError.at(where, f"contains no samples: its shape is {array.shape}", "Use at least one sample")
    return array


def as_labels(labels: Any, count: int) -> NDArray[Any]:
    """Return labels `(n,)`, or label maps `(n, h, w)` of integers, as a NumPy array.

    Args:
        labels: Numbers or texts, a sequence, array, tensor or pandas Series.
        count: Number of samples.

    Raises:
        LatentclustError: If their number or form is another, or label maps are not integers.
    """
    try:
        array = labels.detach().cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
    except ValueError as error:
        raise LatentclustError.at("labels", f"is no array ({error})", "Pass one label per sample") from error
    if array.ndim not in (1, _MAPS) or len(array) != count:
        what = f"has the shape {array.shape}, but there are {count:,} samples"
        raise LatentclustError.at("labels", what, f"Pass labels ({count},), or label maps ({count}, h, w)")
    if array.ndim == _MAPS and array.dtype.kind not in "bui":
        what = f"has label maps of type {array.dtype}"
        raise LatentclustError.at("labels", what, "Use integers, and -1 for pixels without a class")
    return array


def _numbers(values: Any, where: str) -> NDArray[Any]:
    """Return values as an array of any type."""
    if isinstance(values, Tensor):
        return _of_tensor(values, where)
    if issparse(values):
        fix = "Pass images.toarray(), or reduce its columns first"
        raise LatentclustError.at(where, "is a sparse matrix", fix)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(values, pandas.DataFrame):
        return _of_frame(values, where)
    if isinstance(values, np.ma.MaskedArray):
        masked = int(np.count_nonzero(values.mask))
        if masked:
            raise LatentclustError.at(where, f"has {masked:,} masked values", "Fill them, or remove these samples")
        return values.data
    if type(values) in (np.ndarray, np.memmap):
        return values  # type: ignore[no-any-return]
    try:
        return np.asarray(values)
    except (TypeError, ValueError) as error:
        raise LatentclustError.at(where, f"is no array ({error})", FORMS) from error


def _of_tensor(tensor: Tensor, where: str) -> NDArray[Any]:
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex():
        raise LatentclustError.at(where, f"is a tensor of {tensor.layout}, {tensor.dtype}", "Use a dense real tensor")
    tensor = tensor.detach().cpu()
    # NumPy has no bfloat16 and no float8.
    array: NDArray[Any] = (tensor.float() if tensor.is_floating_point() and tensor.itemsize <= 2 else tensor).numpy()
    return array


def _of_frame(frame: Any, where: str) -> NDArray[Any]:
    """Return a table of numbers; missing ones become NaN."""
    for name, kind in frame.dtypes.items():
        if not (kind.kind in "buif" if isinstance(kind, np.dtype) else getattr(kind, "_is_numeric", False)):
            what = f"has a column {name!r} of type {kind}"
            raise LatentclustError.at(where, what, "Drop it, or convert it to numbers")
    if all(isinstance(kind, np.dtype) for kind in frame.dtypes):
        array: NDArray[Any] = frame.to_numpy()
        return array
    filled: NDArray[Any] = frame.to_numpy(dtype=np.float64, na_value=np.nan)
    return filled
