"""Checks of metrics and of baselines."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latentclust.specs.evaluation import NOISE, BaselineSpec, MapBaselineSpec, MetricSpec
from latentclust.tensors import Images, Mask
from latentclust.testing.randomness import bitwise_equal, repeats
from latentclust.testing.subject import CheckedPart, require

TABLES: Mapping[str, NDArray[np.int64]] = {
    "four clusters and three classes": np.array([[9, 1, 0], [2, 7, 3], [0, 4, 11], [1, 0, 2]]),
    "three clusters and four classes": np.array([[9, 1, 0, 2], [2, 7, 3, 0], [0, 4, 11, 1]]),
    "a cluster without samples": np.array([[9, 1, 0], [0, 0, 0], [2, 7, 3]]),
    "a class without samples": np.array([[9, 0, 1], [2, 0, 7], [1, 0, 4]]),
    "all samples in one cluster": np.array([[0, 0, 0], [9, 4, 2], [0, 0, 0]]),
}
"""Contingency tables of clusters (rows) and classes (columns), as normal and collapsed runs produce them."""

SHUFFLES = range(3)

GROUPS, POINTS = 3, 10
"""Number of groups of points, and of points in each group. The groups are far from each other."""

COUNT, SIDE = 4, 32
"""Number and side in pixels of images with a dark and a light half."""


def is_a_number(subject: CheckedPart) -> None:
    """It returns a finite Python float, also for empty clusters or classes, and does not change the table."""
    metric: MetricSpec = subject.build()
    for of, table in TABLES.items():
        given = table.copy()
        value = metric(given)
        require(type(value) is float, f"for {of} it returns {type(value).__name__}, expected float")
        require(np.isfinite(value), f"for {of} it returns {value}")
        require(np.array_equal(given, table), "it changes the table that it is given")
        repeats(partial(_values, metric, table))


def _values(metric: MetricSpec, table: NDArray[np.int64]) -> list[float]:
    return [metric(table)]


def ignores_cluster_numbering(subject: CheckedPart) -> None:
    """Its value does not depend on the numbering of clusters and classes."""
    metric: MetricSpec = subject.build()
    for table in TABLES.values():
        for seed in SHUFFLES:
            rng = np.random.default_rng(seed)
            shuffled = table[rng.permutation(len(table))][:, rng.permutation(table.shape[1])]
            equal = np.isclose(metric(shuffled), metric(table), equal_nan=True)
            require(equal, "its value changes if clusters or classes are renumbered")


def labels_every_point(subject: CheckedPart) -> None:
    """Labels of points `(n, d)` are int64 `(n,)` in 0..K-1, or with `finds_clusters` any number and `NOISE`."""
    spec: BaselineSpec = subject.build()
    points = _points()
    labels = spec.cluster(points, GROUPS, seed=0)
    most = len(points) if spec.finds_clusters else GROUPS
    _check_labels(labels, (len(points),), most, least=NOISE if spec.finds_clusters else 0)
    require(bitwise_equal(points, _points()), "it changes the points that it is given")


def is_deterministic_for_a_seed(subject: CheckedPart) -> None:
    """The same seed gives the same labels, and no global generator is used."""
    spec: BaselineSpec = subject.build()
    repeats(lambda: [spec.cluster(_points(), GROUPS, seed=2)])


def labels_every_pixel(subject: CheckedPart) -> None:
    """Labels of images `(b, c, h, w)` are int64 `(b, h, w)` in 0..K-1, for batches of any size."""
    spec: MapBaselineSpec = subject.build()
    mapped = spec.fit(_halves(), COUNT, 2, seed=0)
    for images, _ in _halves():
        _check_labels(mapped(images).numpy(), (len(images), SIDE, SIDE), 2)


def pixels_are_deterministic_for_a_seed(subject: CheckedPart) -> None:
    """The same seed gives the same label maps, and no global generator is used."""
    repeats(partial(_pixels, subject.build()))


def _pixels(spec: MapBaselineSpec) -> list[Any]:
    return [spec.fit(iter(_halves()), COUNT, 2, seed=3)(_halves()[0][0])]


def _check_labels(labels: NDArray[Any], shape: tuple[int, ...], clusters: int, least: int = 0) -> None:
    require(labels.shape == shape, f"its labels have the shape {labels.shape}, and not {shape}")
    require(labels.dtype == np.int64, f"its labels are {labels.dtype}, and not int64")
    inside = labels.min() >= least and labels.max() < clusters
    require(inside, f"it returns labels from {labels.min()} to {labels.max()} for {clusters} clusters")


def _points() -> NDArray[np.float32]:
    """Return groups of points in [0, 1]^4 that are far from each other."""
    rng = np.random.default_rng(0)
    centres = np.repeat(np.eye(4)[:GROUPS], POINTS, axis=0)
    return (centres * 0.8 + rng.uniform(0, 0.1, centres.shape)).astype(np.float32)


def _halves() -> list[tuple[Images, Mask]]:
    """Return images that are dark on the left and light on the right, in two batches, with their masks."""
    noise = torch.rand((COUNT, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(0))
    images = 0.1 * noise + 0.8 * (torch.arange(SIDE) >= SIDE // 2)
    mask = torch.ones((COUNT, SIDE, SIDE), dtype=torch.bool)
    return [(Images(images[:-1]), Mask(mask[:-1])), (Images(images[-1:]), Mask(mask[-1:]))]
