"""Metrics of tables, and classical clusterings."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from latentclust.registry import Part
from latentclust.specs import BaselineSpec, MapBaselineSpec
from latentclust.tensors import Images, Mask

TABLE = np.array([[9, 1, 0], [2, 7, 3], [0, 4, 11], [1, 0, 2]])


@pytest.mark.parametrize("sizes", [[5, 3, 7], [1, 1], [4], [200, 1, 1, 30]])
def test_a_metric_of_a_perfect_clustering_is_one(metric: Part, make: Any, sizes: list[int]) -> None:
    perfect = np.diag(sizes)[np.random.default_rng(0).permutation(len(sizes))]
    assert make(metric)(perfect) == pytest.approx(1.0)


def test_a_metric_is_a_python_float_below_one_for_an_imperfect_clustering(metric: Part, make: Any) -> None:
    value = make(metric)(TABLE)
    assert type(value) is float
    assert 0 < value < 1


@pytest.mark.parametrize("seed", range(3))
def test_a_metric_does_not_see_the_numbers_of_clusters_and_classes(metric: Part, make: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shuffled = TABLE[rng.permutation(4)][:, rng.permutation(3)]
    assert make(metric)(shuffled) == pytest.approx(make(metric)(TABLE))


def test_a_metric_is_not_moved_by_a_cluster_without_samples(metric: Part, make: Any) -> None:
    padded = np.vstack([TABLE, np.zeros((2, 3), dtype=np.int64)])
    assert make(metric)(padded) == pytest.approx(make(metric)(TABLE))


def test_a_metric_leaves_its_table_as_it_was(metric: Part, make: Any) -> None:
    table = TABLE.copy()
    make(metric)(table)
    assert np.array_equal(table, TABLE)


@pytest.fixture
def points() -> NDArray[np.float32]:
    """Three groups of ten in [0, 1]^4, far from each other."""
    rng = np.random.default_rng(0)
    centres = np.eye(4)[:3]
    return (np.repeat(centres, 10, axis=0) * 0.8 + rng.uniform(0, 0.1, (30, 4))).astype(np.float32)


def test_a_baseline_labels_every_point_in_range(image_baseline: Part, make: Any, points: NDArray[np.float32]) -> None:
    spec: BaselineSpec = make(image_baseline)
    before = points.copy()
    labels = spec.cluster(points, 3, seed=0)
    assert labels.shape == (30,)
    assert labels.dtype == np.int64
    assert set(labels.tolist()) == {0, 1, 2}
    assert np.array_equal(points, before)
    assert spec.on == "pixels"


def test_a_baseline_finds_groups_that_no_one_could_miss(
    image_baseline: Part, make: Any, points: NDArray[np.float32]
) -> None:
    labels = make(image_baseline).cluster(points, 3, seed=0).reshape(3, 10)
    assert [len(set(group)) for group in labels.tolist()] == [1, 1, 1]


def test_a_baseline_is_decided_by_its_seed_alone(image_baseline: Part, make: Any, points: NDArray[np.float32]) -> None:
    spec: BaselineSpec = make(image_baseline)
    np.random.seed(1)
    first = spec.cluster(points, 3, seed=2)
    np.random.seed(2)
    assert np.array_equal(spec.cluster(points, 3, seed=2), first)


@pytest.fixture
def halves() -> list[tuple[Images, Mask]]:
    """Four images of 32x32, dark on the left and light on the right, and the pixels of each that count."""
    noise = torch.rand((4, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    images = 0.1 * noise + 0.8 * (torch.arange(32) >= 16)
    mask = torch.ones((4, 32, 32), dtype=torch.bool)
    return [(Images(images[:3]), Mask(mask[:3])), (Images(images[3:]), Mask(mask[3:]))]


def test_a_baseline_of_pixels_labels_every_pixel(
    map_baseline: Part, make: Any, halves: list[tuple[Images, Mask]]
) -> None:
    spec: MapBaselineSpec = make(map_baseline)
    mapped = spec.fit(halves, 4, 2, seed=0)
    first, second = (mapped(images) for images, _ in halves)
    assert first.shape == (3, 32, 32)
    assert second.shape == (1, 32, 32)
    assert first.dtype == torch.int64
    assert set(first.unique().tolist()) == {0, 1}
    inside = first[:, :, :8], first[:, :, 24:]
    assert [half.unique().numel() for half in inside] == [1, 1]


def test_a_baseline_of_pixels_is_decided_by_its_seed_alone(
    map_baseline: Part, make: Any, halves: list[tuple[Images, Mask]]
) -> None:
    spec: MapBaselineSpec = make(map_baseline)
    np.random.seed(1)
    first = spec.fit(halves, 4, 2, seed=3)(halves[0][0])
    np.random.seed(2)
    assert torch.equal(spec.fit(iter(halves), 4, 2, seed=3)(halves[0][0]), first)
