"""Scores of images by their neighbours: outliers, and likely duplicates."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from jaxtyping import Float32, Int64
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from latentclust.data.sources import UINT8_MAX
from latentclust.embed.neighbours import Neighbours
from latentclust.phases import Phases
from latentclust.specs.data import ImageSource

CLOSE = 0.5
"""Largest distance of neighbours that are compared, as a share of the median distance to the nearest neighbour in their
cluster."""

ALIKE = 0.02
"""Largest root mean squared difference of duplicates, of values in [0, 1]; that of the report's duplicates."""

BYTES = 2**26
"""Largest size of the images that are read at once."""

NONE = -1


def outlier_scores(last: Float32[np.ndarray, " n"], cluster: Int64[np.ndarray, " n"]) -> Float32[np.ndarray, " n"]:
    """Return the distance of each image to its last neighbour, divided by the median of that in its cluster.

    The distance to the m-th neighbour ranks outliers (Ramaswamy, Rastogi and Shim, SIGMOD 2000). Divided by the median,
    1 is typical in every cluster, however dense it is. If the median is 0, the score is 1 for distance 0, and otherwise
    infinite.

    Args:
        last: Distance of the last neighbour of each image.
        cluster: Clusters.
    """
    typical = _medians(last, cluster)[cluster]
    with np.errstate(divide="ignore", invalid="ignore"):
        score: NDArray[np.float32] = np.where(last == typical, np.float32(1), last / typical).astype(np.float32)
    return score


def duplicates(
    source: ImageSource, found: Neighbours, cluster: Int64[np.ndarray, " n"], phases: Phases
) -> Int64[np.ndarray, " n"]:
    """Return, of each image that has likely duplicates, the first image of its group; -1 for other images.

    Neighbours are compared as stored if they are much closer than images of their cluster usually are: by the root of
    the mean squared difference of their values. Images that are linked by such pairs form a group.

    Args:
        source: The images.
        found: Their neighbours.
        cluster: Their clusters.
        phases: Tells the progress.
    """
    count = len(cluster)
    limit = CLOSE * _medians(found.distance.column(0), cluster)[cluster]
    step = rows_at_once(source, found.index.width)
    progress = phases.begin("comparing duplicates", count, "images")
    links: list[NDArray[np.int64]] = []
    for start in range(0, count, step):
        stop = min(start + step, count)
        index, distance = found.index.part(start, stop), found.distance.part(start, stop)
        one, column = np.nonzero((distance <= limit[start:stop, None]) & (index >= 0))
        pairs = np.stack((one + start, index[one, column]), axis=1)
        links.append(pairs[_alike(source.read, pairs)] if len(pairs) else pairs)
        progress.add(stop - start)
    return _first_of_group(np.concatenate(links), count)


def rows_at_once(source: ImageSource, neighbours: int) -> int:
    """Return the number of images that are read at once with their neighbours."""
    size = int(np.prod(source.shape)) * source.dtype.itemsize
    return max(1, min(2**14, BYTES // (size * (1 + neighbours) * 4)))


def _medians(values: Float32[np.ndarray, " n"], cluster: Int64[np.ndarray, " n"]) -> NDArray[np.float32]:
    """Return the median of the values of each cluster; 0 for clusters without images."""
    order = np.argsort(cluster, kind="stable")
    ends = np.searchsorted(cluster[order], np.arange(int(cluster.max()) + 2))
    parts = (values[order[first:last]] for first, last in pairwise(ends))
    return np.array([np.median(part) if len(part) else 0 for part in parts], np.float32)


def _alike(
    read: Callable[[NDArray[np.int64]], NDArray[np.generic]], pairs: Int64[np.ndarray, "p 2"]
) -> NDArray[np.bool_]:
    """Return which pairs of images differ little."""
    needed, position = np.unique(pairs, return_inverse=True)
    images = read(needed)
    scale = UINT8_MAX if images.dtype == np.uint8 else 1
    values = images.reshape(len(images), -1).astype(np.float32) / scale
    one, other = position.reshape(-1, 2).T
    alike: NDArray[np.bool_] = np.sqrt(((values[one] - values[other]) ** 2).mean(axis=1)) <= ALIKE
    return alike


def _first_of_group(links: Int64[np.ndarray, "p 2"], count: int) -> NDArray[np.int64]:
    graph = csr_array((np.ones(len(links), np.int64), (links[:, 0], links[:, 1])), shape=(count, count))
    _, group = connected_components(graph, directed=False)
    _, first, inverse, sizes = np.unique(group, return_index=True, return_inverse=True, return_counts=True)
    return np.where(sizes[inverse] > 1, first[inverse], NONE).astype(np.int64)
