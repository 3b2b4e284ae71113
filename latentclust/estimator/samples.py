"""Checks of the arrays that an estimator is given."""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array
from torch import Tensor

from latentclust.data.given_arrays import as_array
from latentclust.data.scaling import row_chunks
from latentclust.errors import InvalidArgumentError, Issue
from latentclust.tensors import Shape

try:
    from sklearn.utils.validation import validate_data
except ImportError:  # scikit-learn before 1.6

    def validate_data(estimator: Any, X: Any, **options: Any) -> Any:
        """Call the method that was there before the function."""
        return estimator._validate_data(X, **options)


CHANNELS = ("first", "last")
"""Positions of the channels in images of four axes."""

LEAST_SAMPLES = 2
"""Number of samples that make two clusters."""

MOST_CHANNELS = 4
"""Largest number of channels by which images of the other layout are recognized."""

_VECTORS, _IMAGES = 2, (3, 4)


def checked_samples(estimator: BaseEstimator, samples: Any, channels: str, *, reset: bool) -> NDArray[Any]:
    """Return vectors `(n, d)` or images `(n, h, w)`, `(n, c, h, w)` or `(n, h, w, c)` as an array of finite numbers.

    Vectors are checked as scikit-learn does, with the names of their features.

    Args:
        estimator: Estimator whose number and names of features are set, or that they are compared with.
        samples: Array, tensor or table.
        channels: Position of the channels of images with four axes.
        reset: Whether the samples are those of `fit`.

    Raises:
        ValueError: If the samples are not suitable.
        TypeError: If they are sparse.
    """
    if channels not in CHANNELS:
        raise InvalidArgumentError(Issue("channels", f"unknown value {channels!r}", "Use 'first' or 'last'"))
    least = LEAST_SAMPLES if reset else 1
    array = as_array(samples, "X") if isinstance(samples, Tensor) else samples
    axes = getattr(array, "ndim", _VECTORS)
    if axes > max(_IMAGES):
        what = f"has the shape {array.shape}"
        raise InvalidArgumentError(Issue("X", what, "Pass vectors (n, d), or images (n, h, w) or (n, c, h, w)"))
    mapped = isinstance(array, np.memmap) and axes > 1 and array.dtype.kind in "buif"
    head = array[:least] if mapped else array
    if axes not in _IMAGES:
        checked: NDArray[Any] = validate_data(estimator, head, reset=reset, ensure_min_samples=least)
    else:
        checked = check_array(head, allow_nd=True, ensure_min_samples=least, input_name="X")
        _check_channels(checked.shape, channels)
        if reset:
            estimator.n_features_in_ = prod(checked.shape[1:])
            vars(estimator).pop("feature_names_in_", None)
    return _checked_map(array) if mapped else checked


def _checked_map(array: NDArray[Any]) -> NDArray[Any]:
    """Return a memory-mapped array itself, after its values were checked a few rows at a time."""
    for rows in row_chunks(array):
        check_array(array[rows], allow_nd=True, input_name="X")
    return array


def sample_shape(samples: NDArray[Any], channels: str) -> Shape:
    """Return the shape of one sample as recipes have it: `(d,)` or `(c, h, w)`."""
    if samples.ndim == _IMAGES[0]:
        return (1, *samples.shape[1:])
    if samples.ndim == _IMAGES[1] and channels == "last":
        height, width, depth = samples.shape[1:]
        return depth, height, width
    return samples.shape[1:]


def check_same(found: Shape, fitted: Shape, name: str) -> None:
    """Raise InvalidArgumentError if samples have another shape than those that an estimator was fitted to."""
    if found != fitted:
        what = f"has samples of shape {found}, but {name} was fitted to samples of shape {fitted}"
        raise InvalidArgumentError(Issue("X", what, "Pass samples in the form of the training data"))


def check_enough(count: int, n_clusters: int) -> None:
    """Raise InvalidArgumentError if there are fewer samples than clusters."""
    if count < n_clusters:
        what = f"n_samples={count} is less than n_clusters={n_clusters}"
        raise InvalidArgumentError(Issue("X", what, f"Pass more samples, or at most {count} clusters"))


def _check_channels(shape: Shape, channels: str) -> None:
    """Raise InvalidArgumentError if the other axis is that of the channels, by all appearance."""
    if len(shape) != _IMAGES[1]:
        return
    seems = [name for name, depth in zip(CHANNELS, (shape[1], shape[-1]), strict=True) if depth <= MOST_CHANNELS]
    if len(seems) == 1 and channels not in seems:
        depth = shape[1] if channels == "first" else shape[-1]
        what = f"has the shape {shape}, which is images of {depth} channels with channels={channels!r}"
        raise InvalidArgumentError(Issue("X", what, f"Pass channels={seems[0]!r} to the estimator"))
