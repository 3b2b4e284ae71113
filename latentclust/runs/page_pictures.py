"""Small pictures of samples for the page, read a part at a time."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8
from numpy.typing import NDArray

from latentclust.model.model import ClusteringModel
from latentclust.report.image_figures import as_colour
from latentclust.report.page.atlas import largest_side, shrink_pictures
from latentclust.report.page.profile_pictures import profile_pictures
from latentclust.specs.data import ImageSource

VALUES_AT_ONCE = 2**24
"""Maximum number of values that are read at once, unless one sample has more."""

SPREAD = (1, 99)
"""Percentiles of the values between which profiles of vectors are drawn."""


def read_pictures(
    model: ClusteringModel, source: ImageSource, indices: NDArray[np.int64]
) -> UInt8[np.ndarray, "m h w 3"]:
    """Return a picture of each sample: the bands that figures show, shrunk, or the profile of a vector."""
    if len(source.shape) == 1:
        vectors = np.concatenate([part.astype(np.float32) for part in read_parts(source, indices)])
        low, high = np.nanpercentile(np.where(np.isfinite(vectors), vectors, np.nan), SPREAD)
        return profile_pictures(vectors, float(low), float(high))
    side = largest_side(len(indices))
    return np.concatenate([shrink_pictures(_colours(model.shown(part)), side) for part in read_parts(source, indices)])


def read_parts(source: ImageSource, indices: NDArray[np.int64]) -> Iterator[NDArray[Any]]:
    """Yield samples in order, a part at a time."""
    step = max(VALUES_AT_ONCE // max(int(np.prod(source.shape)), 1), 1)
    for at in range(0, len(indices), step):
        yield source.read(indices[at : at + step])


def _colours(images: NDArray[Any]) -> UInt8[np.ndarray, "m h w 3"]:
    """Return images `(m, c, h, w)` as 8-bit colours."""
    if images.dtype == np.uint8 and images.shape[1] in (1, 3):
        return np.ascontiguousarray(np.broadcast_to(images, (len(images), 3, *images.shape[2:])).transpose(0, 2, 3, 1))
    return np.stack([np.rint(255 * as_colour(image)).astype(np.uint8) for image in images])


def grey_points(
    model: ClusteringModel, source: ImageSource, indices: NDArray[np.int64], side: int
) -> Float32[np.ndarray, "m d"]:
    """Return the values by which samples are compared.

    Images are compared as grey pictures of at most `side` pixels a side in [0, 1], vectors as they are, in standard
    deviations of each value over the vectors whose values are all finite.
    """
    parts = read_parts(source, indices)
    if len(source.shape) == 1:
        vectors = np.concatenate([part.astype(np.float32) for part in parts])
        finite = vectors[np.isfinite(vectors).all(axis=1)]
        deviation = finite.std(axis=0, dtype=np.float64) if len(finite) else np.ones(vectors.shape[1])
        scaled: NDArray[np.float32] = (vectors / np.where(deviation > 0, deviation, 1)).astype(np.float32)
        return scaled
    height, width = source.shape[1:]
    down, across = _averaging(height, side), _averaging(width, side)
    return np.concatenate([_grey(model.shown(part), down, across) for part in parts])


def _grey(images: NDArray[Any], down: NDArray[np.float32], across: NDArray[np.float32]) -> NDArray[np.float32]:
    scale = 255 if images.dtype == np.uint8 else 1
    grey = images.mean(axis=1, dtype=np.float32) / scale
    averaged: NDArray[np.float32] = (down @ grey @ across.T).reshape(len(images), -1)
    return averaged


def _averaging(length: int, side: int) -> NDArray[np.float32]:
    """Return the matrix `(m, length)` that averages pixels over m equal stretches, m at most `side`."""
    count = min(length, side)
    edges = np.linspace(0, length, count + 1)
    pixels = np.arange(length)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights: NDArray[np.float32] = (overlap.clip(min=0) * count / length).astype(np.float32)
    return weights
