"""Likely duplicates: samples whose values differ by less than a threshold, found by a search in few dimensions."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

DIMENSIONS = 8
"""Number of principal components of the search. Distances between projections are at most those of the points."""

NEIGHBOURS = 4
"""Number of nearest neighbours of a sample that are compared with it, itself among them."""

PCA_SAMPLES = 2000
"""Number of samples that the principal components are computed from."""


VALUES_AT_ONCE = 2**22
"""Number of values of the pairs that are compared at once."""

ROUNDING = 1e-4
"""Share by which the radius of the search is larger than the threshold, against errors of rounding."""

Points = Float32[np.ndarray, "n d"]
Distinct = Float32[np.ndarray, "u d"]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Groups of samples that are linked by small distances.

    Attributes:
        groups: Samples of each group, ascending; the group with the smallest distance first.
        distances: Largest distance of a link of each group.
    """

    groups: tuple[NDArray[np.int64], ...]
    distances: tuple[float, ...]


def find_duplicates(points: Float32[np.ndarray, "n d"], threshold: float) -> Duplicates:
    """Return groups of samples whose values differ by at most `threshold`, as the root of the mean squared difference.

    Equal samples are found by sorting. A pair within the threshold lies within it in a projection on principal
    components, too, where each distinct sample is compared with its nearest ones. A sample with many near neighbours
    may lack a link to some of them.

    Args:
        points: Values of the samples.
        threshold: Largest distance of duplicates, in units of the values.
    """
    count, dimensions = points.shape
    if count < 2 or dimensions == 0:
        return Duplicates((), ())
    distinct, first_at, of = _unique(points)
    equal = np.flatnonzero(first_at[of] != np.arange(count))
    one, other, distances = _near_pairs(distinct, threshold)
    links = (np.concatenate([first_at[of[equal]], first_at[one]]), np.concatenate([equal, first_at[other]]))
    return _groups(count, *links, np.concatenate([np.zeros(len(equal)), distances]))


def _unique(points: Points) -> tuple[Distinct, Indices, Indices]:
    """Return the distinct points, the first sample of each, and the distinct point of each sample."""
    rows = np.ascontiguousarray(points).view(np.dtype((np.void, points.dtype.itemsize * points.shape[1])))[:, 0]
    _, first_at, of = np.unique(rows, return_index=True, return_inverse=True)
    return points[first_at], first_at, of


def _near_pairs(points: Points, threshold: float) -> tuple[Indices, Indices, NDArray[np.float64]]:
    """Return pairs of distinct points within the threshold, and their distances."""
    if len(points) < 2:
        none = np.empty(0, dtype=np.int64)
        return none, none, np.empty(0)
    radius = threshold * np.sqrt(points.shape[1])
    projected = _project(points)
    near, neighbours = cKDTree(projected).query(
        projected, k=min(NEIGHBOURS, len(points)), distance_upper_bound=radius * (1 + ROUNDING)
    )
    one, column = np.nonzero(np.isfinite(near).reshape(len(points), -1))
    other = neighbours.reshape(len(points), -1)[one, column]
    one, other = one[one != other], other[one != other]
    distances = _distances(points, one, other)
    kept = distances <= threshold
    return one[kept], other[kept], distances[kept]


def _project(points: Points) -> Float32[np.ndarray, "n p"]:
    """Return principal components of points, computed from evenly spread ones."""
    from sklearn.decomposition import PCA

    part = points[:: max(len(points) // PCA_SAMPLES, 1)]
    components = min(DIMENSIONS, *part.shape)
    found = PCA(components, svd_solver="randomized", random_state=0).fit(part)
    projected: NDArray[np.float32] = (points - found.mean_.astype(np.float32)) @ found.components_.T.astype(np.float32)
    return projected


def _distances(points: Points, one: Indices, other: Indices) -> NDArray[np.float64]:
    """Return the root of the mean squared difference of pairs, a part at a time."""
    step = max(VALUES_AT_ONCE // points.shape[1], 1)
    parts = [
        np.sqrt(np.square(points[one[at : at + step]] - points[other[at : at + step]]).mean(axis=1, dtype=np.float64))
        for at in range(0, len(one), step)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def _groups(count: int, one: Indices, other: Indices, distances: NDArray[np.float64]) -> Duplicates:
    """Return the connected components of links."""
    links = csr_array((np.ones(len(one)), (one, other)), shape=(count, count))
    component = connected_components(links, directed=False)[1]
    members: dict[int, list[int]] = {}
    for sample in np.unique(np.concatenate([one, other])).tolist():
        members.setdefault(int(component[sample]), []).append(sample)
    largest = dict.fromkeys(members, 0.0)
    for group, distance in zip(component[one].tolist(), distances.tolist(), strict=True):
        largest[group] = max(largest[group], distance)
    order = sorted(members, key=lambda group: (largest[group], members[group][0]))
    return Duplicates(tuple(np.array(members[group]) for group in order), tuple(largest[group] for group in order))
