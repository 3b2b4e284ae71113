"""Metrics of tables, and classical clusterings of points and of pixels."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from latentclust.registry import Part
from latentclust.specs import BaselineSpec, MapBaselineSpec, Mapped
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


def test_a_baseline_labels_every_point_in_range(point_baseline: Part, make: Any, points: NDArray[np.float32]) -> None:
    spec: BaselineSpec = make(point_baseline)
    before = points.copy()
    labels = spec.cluster(points, 3, seed=0)
    assert labels.shape == (30,)
    assert labels.dtype == np.int64
    assert set(labels.tolist()) == {0, 1, 2}
    assert np.array_equal(points, before)
    assert spec.on == "pixels"


def test_a_baseline_finds_groups_that_no_one_could_miss(
    point_baseline: Part, make: Any, points: NDArray[np.float32]
) -> None:
    labels = make(point_baseline).cluster(points, 3, seed=0).reshape(3, 10)
    assert [len(set(group)) for group in labels.tolist()] == [1, 1, 1]


def test_a_baseline_is_decided_by_its_seed_alone(point_baseline: Part, make: Any, points: NDArray[np.float32]) -> None:
    spec: BaselineSpec = make(point_baseline)
    np.random.seed(1)
    first = spec.cluster(points, 3, seed=2)
    np.random.seed(2)
    assert np.array_equal(spec.cluster(points, 3, seed=2), first)


def colours(count: int = 4) -> tuple[Images, torch.Tensor]:
    """Images of 64x64 pixels in three flat stripes of far colours, faintly noisy, and which stripe a pixel is in."""
    rng = torch.Generator().manual_seed(0)
    label = (torch.arange(64) * 3 // 64).expand(count, 64, 64)
    palette = torch.tensor([[0.1, 0.1, 0.1], [0.9, 0.2, 0.1], [0.2, 0.8, 0.9]])
    images = palette[label].permute(0, 3, 1, 2) + 0.01 * torch.rand(count, 3, 64, 64, generator=rng)
    return Images(images.clamp(0, 1)), label


def fitted(spec: MapBaselineSpec, images: Images, seed: int) -> Mapped:
    mask = Mask(torch.ones(len(images), *images.shape[2:], dtype=torch.bool))
    halves = [(Images(images[part]), Mask(mask[part])) for part in (slice(2), slice(2, None))]
    return spec.fit(halves, len(images), 3, seed)


def test_a_baseline_of_pixels_gives_a_flat_stripe_one_cluster(map_baseline: Part, make: Any) -> None:
    images, label = colours()
    before = images.clone()
    found = fitted(make(map_baseline), images, seed=0)(images)
    assert found.shape == label.shape
    assert found.dtype == torch.int64
    middles = found[:, 16:-16, [10, 32, 53]]  # far from edges, about which surroundings are mixed
    assert [len(set(middles[..., stripe].flatten().tolist())) for stripe in range(3)] == [1, 1, 1]
    assert len(set(middles[0, 0].tolist())) >= 2  # ImageNet features may give the third to edges
    assert torch.equal(images, before)


def test_a_baseline_of_pixels_is_decided_by_its_seed_alone(map_baseline: Part, make: Any) -> None:
    images, _ = colours()
    np.random.seed(1)
    torch.manual_seed(1)
    first = fitted(make(map_baseline), images, seed=2)(images)
    np.random.seed(2)
    torch.manual_seed(2)
    assert torch.equal(fitted(make(map_baseline), images, seed=2)(images), first)
