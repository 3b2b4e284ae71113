"""Small pictures of vectors: the profile of their values, because there is no image to show."""

import numpy as np
from jaxtyping import Float, UInt8
from PIL.ImageColor import getrgb

from latentclust.report.plotting import SMOOTH

WIDTH, HEIGHT = 96, 64
MARGIN = 3
"""Distance between the profile and the border in pixels."""

THICKNESS = 2


def profile_pictures(vectors: Float[np.ndarray, "n d"], low: float, high: float) -> UInt8[np.ndarray, "n h w 3"]:
    """Return a picture of each vector: its values by feature, on a scale that all pictures share.

    More features than columns are averaged over neighbours. A value that is not finite is drawn at the bottom.

    Args:
        vectors: Vectors.
        low: Value at the bottom.
        high: Value at the top.
    """
    columns = _columns(np.nan_to_num(vectors.astype(np.float64), nan=low, posinf=high, neginf=low))
    span = (high - low) or 1.0
    usable = HEIGHT - 2 * MARGIN - THICKNESS
    top = np.rint((1 - np.clip((columns - low) / span, 0, 1)) * usable).astype(np.int64) + MARGIN
    before = np.concatenate([top[:, :1], top[:, :-1]], axis=1)
    first, last = np.minimum(top, before), np.maximum(top, before) + THICKNESS
    rows = np.arange(HEIGHT)[None, :, None]
    drawn = (rows >= first[:, None]) & (rows < last[:, None])
    pictures = np.full((len(vectors), HEIGHT, WIDTH, 3), 255, dtype=np.uint8)
    pictures[drawn] = getrgb(SMOOTH)
    return pictures


def _columns(vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n w"]:
    """Return the values at each column of a picture: linear between features, or means of several features."""
    features = vectors.shape[1]
    if features > WIDTH:
        edges = np.linspace(0, features, WIDTH + 1).astype(np.int64)
        sums = np.add.reduceat(vectors, edges[:-1], axis=1)
        return sums / np.diff(edges)
    at = np.linspace(0, features - 1, WIDTH)
    left = np.floor(at).astype(np.int64)
    right = np.minimum(left + 1, features - 1)
    share = at - left
    between: Float[np.ndarray, "n w"] = vectors[:, left] * (1 - share) + vectors[:, right] * share
    return between
