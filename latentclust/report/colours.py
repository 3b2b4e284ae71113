"""Colours of groups, clusters and label maps; without matplotlib, which writers of label rasters do not need."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, UInt8
from numpy.typing import NDArray
from PIL.ImageColor import getrgb

from latentclust.evaluate.match import UNMATCHED
from latentclust.specs.data import VOID

PALETTE = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
"""Ten colours that stay distinct under the common colour-vision deficiencies. Petroff 2021."""

MARKERS = "osD^vP*Xph"
"""One marker per pass through the palette, so that a hundred groups stay distinct."""

NODATA_COLOUR = (0.93, 0.93, 0.93)
"""Colour of pixels without a label, red, green and blue in [0, 1]."""

TINTS = ((1.0, 0.0), (0.5, 0.5), (0.55, 0.0))
"""Share of the colour and share of white, for each pass through the palette."""

LEVELS = 255
"""Highest value of an 8-bit colour channel."""


def group_style(group: int) -> tuple[str, str]:
    """Return colour and marker of a group, 0-based."""
    return PALETTE[group % len(PALETTE)], MARKERS[group // len(PALETTE) % len(MARKERS)]


def map_colours(count: int) -> Float32[np.ndarray, "n 3"]:
    """Return `count` colours in [0, 1]: the palette, then lighter and darker ones. After thirty they repeat."""
    base = (np.array([getrgb(colour) for colour in PALETTE]) / LEVELS).astype(np.float32)
    every = np.concatenate([share * base + white for share, white in TINTS])
    return every[np.arange(count) % len(every)].astype(np.float32)


def cluster_colours(
    clusters: int, matching: NDArray[np.int64] | None = None, classes: int = 0
) -> Float32[np.ndarray, "k 3"]:
    """Return the colour of each cluster: that of its matched class, or the next colour that no class has.

    Args:
        clusters: Number of clusters.
        matching: Class of each cluster, or -1. None gives cluster i the i-th colour.
        classes: Number of classes.
    """
    order = np.arange(clusters) if matching is None else matching.copy()
    free = np.flatnonzero(order == UNMATCHED)
    order[free] = classes + np.arange(len(free))
    return map_colours(int(order.max(initial=0)) + 1)[order]


def colour_labels(labels: NDArray[np.integer], colours: Float32[np.ndarray, "k 3"]) -> Float32[np.ndarray, "3 h w"]:
    """Return a label map `(h, w)` in colour, with `VOID` pixels in `NODATA_COLOUR`."""
    table = np.concatenate([np.array([NODATA_COLOUR], dtype=np.float32), colours])
    return table[labels.astype(np.int64) - VOID].transpose(2, 0, 1)


def palette_bytes(colours: Float32[np.ndarray, "k 3"]) -> Sequence[int]:
    """Return the palette of a PNG: black for nodata, then red, green and blue of each cluster."""
    levels: UInt8[np.ndarray, "k 3"] = np.rint(colours * LEVELS).astype(np.uint8)
    return [0, 0, 0, *levels.ravel().tolist()]
