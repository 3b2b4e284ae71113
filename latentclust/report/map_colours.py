"""The colours of label maps: a cluster has that of its matched class, and every other one its own."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, UInt8
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from latentclust.evaluate.match import UNMATCHED
from latentclust.report.plotting import PALETTE
from latentclust.specs.data import VOID

NO_DATA = (0.93, 0.93, 0.93)
"""Of pixels that have no label."""

TINTS = ((1.0, 0.0), (0.5, 0.5), (0.55, 0.0))
"""How each round of the palette is mixed: the share of the colour, and that of white."""

LEVELS = 255


def map_colours(count: int) -> Float32[np.ndarray, "n 3"]:
    """`count` colours in [0, 1]: the palette, then lighter and darker ones; after thirty they repeat."""
    base = np.array([to_rgb(colour) for colour in PALETTE], dtype=np.float32)
    every = np.concatenate([share * base + white for share, white in TINTS])
    return every[np.arange(count) % len(every)].astype(np.float32)


def cluster_colours(
    clusters: int, matching: NDArray[np.int64] | None = None, classes: int = 0
) -> Float32[np.ndarray, "k 3"]:
    """The colour of each cluster: its class's, and for an unmatched one the next that no class has."""
    order = np.arange(clusters) if matching is None else matching.copy()
    free = np.flatnonzero(order == UNMATCHED)
    order[free] = classes + np.arange(len(free))
    return map_colours(int(order.max(initial=0)) + 1)[order]


def colour_labels(labels: NDArray[np.integer], colours: Float32[np.ndarray, "k 3"]) -> Float32[np.ndarray, "3 h w"]:
    """A label map `(h, w)` in colour; `VOID` pixels are pale grey."""
    table = np.concatenate([np.array([NO_DATA], dtype=np.float32), colours])
    return table[labels.astype(np.int64) - VOID].transpose(2, 0, 1)


def palette_bytes(colours: Float32[np.ndarray, "k 3"]) -> Sequence[int]:
    """A PNG's palette: no data first, black, and then each cluster, red, green and blue."""
    levels: UInt8[np.ndarray, "k 3"] = np.rint(colours * LEVELS).astype(np.uint8)
    return [0, 0, 0, *levels.ravel().tolist()]
