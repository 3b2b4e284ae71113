"""Patches of clusters: about pixels of them, apart, from many windows and scenes, the fullest first."""

import numpy as np
import pytest
from numpy.typing import NDArray

from latentclust.labelling.clusters.preview import cluster_patches, rank_windows
from latentclust.labelling.clusters.window_sample import SampledWindow, WindowSample
from latentclust.report.contact_sheet import Patch

SIZE = 16


def sight(
    labels: NDArray[np.int32], scene: int = 0, origin: tuple[int, int] = (0, 0), sure: float = 1.0
) -> SampledWindow:
    """A window whose image says where each pixel is: scene, row and column."""
    height, width = labels.shape
    rows, columns = np.mgrid[origin[0] : origin[0] + height, origin[1] : origin[1] + width]
    image = np.stack([np.full_like(rows, scene), rows, columns]).astype(np.uint8)
    certainty = np.full(labels.shape, sure, np.float32)
    return SampledWindow(scene, origin, image, labels.astype(np.int32), certainty, (slice(0, height), slice(0, width)))


def survey_of(*sights: SampledWindow) -> WindowSample:
    counts = sum(np.bincount(each.labels.ravel(), minlength=4)[1:] for each in sights)
    return WindowSample(sights, np.asarray(counts), len({each.scene for each in sights}))


def centre(patch: Patch) -> tuple[int, int, int]:
    scene, row, column = (int(value) for value in patch.image[:, SIZE // 2, SIZE // 2])
    return scene, row, column


def labels(*squares: tuple[int, int, int, int], side: int = 96) -> NDArray[np.int32]:
    """Cluster 1 with squares of others: cluster, row, column, side."""
    found = np.ones((side, side), np.int32)
    for cluster, row, column, extent in squares:
        found[row : row + extent, column : column + extent] = cluster
    return found


def test_the_first_patch_is_about_the_middle_of_the_fullest_part() -> None:
    sample = survey_of(sight(labels((2, 30, 40, 16), (2, 70, 10, 4))))
    first, second = cluster_patches(sample, 2, 8, SIZE)
    assert centre(first) == (0, 38, 48)
    assert first.inside.all()
    assert 70 <= centre(second)[1] < 74
    assert second.inside.sum() == 16
    assert second.valid.all()


def test_every_patch_is_about_a_pixel_of_the_cluster_and_none_overlap() -> None:
    rng = np.random.default_rng(0)
    windows = [sight(rng.integers(1, 4, (60, 60)), 0, (row, column)) for row in (0, 30, 60) for column in (0, 30, 60)]
    for cluster in (1, 2, 3):
        found = cluster_patches(survey_of(*windows), cluster, 12, SIZE)
        assert len(found) == 12
        assert all(patch.inside[SIZE // 2, SIZE // 2] for patch in found)
        places = np.array([centre(patch)[1:] for patch in found])
        apart = np.abs(places[:, None] - places[None]).max(axis=2) + SIZE * np.eye(12, dtype=int)
        assert apart.min() >= SIZE


def test_windows_and_scenes_take_turns() -> None:
    full = [sight(labels((2, 20, 20, 40 + step)), scene=0, origin=(0, 96 * step)) for step in range(2)]
    other = sight(labels((2, 20, 20, 35)), scene=1)
    found = cluster_patches(survey_of(*full, other), 2, 3, SIZE)
    assert [centre(patch)[0] for patch in found] == [0, 1, 0]
    more = cluster_patches(survey_of(*full, other), 2, 6, SIZE)
    assert sorted(centre(patch)[0] for patch in more) == [0, 0, 0, 0, 1, 1]


def test_windows_with_few_pixels_of_a_cluster_come_last_for_any_scene() -> None:
    full, half, crumb = sight(labels((2, 0, 0, 60))), sight(labels((2, 0, 0, 50))), sight(labels((2, 0, 0, 3)), 1)
    ranked = rank_windows([crumb, half, full], 2)
    assert [each is right for each, right in zip(ranked, [full, half, crumb], strict=True)] == [True, True, True]


def test_the_more_certain_window_comes_first() -> None:
    sure, unsure = sight(labels((2, 0, 0, 40)), sure=0.9), sight(labels((2, 0, 0, 40)), sure=0.6)
    assert rank_windows([unsure, sure], 2)[0] is sure


def test_only_kept_pixels_are_centres() -> None:
    whole = sight(labels((2, 0, 0, 96)))
    kept = SampledWindow(0, whole.origin, whole.image, whole.labels, whole.certainty, (slice(40, 50), slice(60, 90)))
    found = cluster_patches(survey_of(kept), 2, 8, SIZE)
    assert found
    assert all(40 <= centre(patch)[1] < 50 and 60 <= centre(patch)[2] < 90 for patch in found)


def test_beyond_the_window_and_where_there_is_no_data_nothing_is_valid() -> None:
    cut = labels((2, 0, 0, 3), side=30)
    cut[2, 5] = 0
    patch = cluster_patches(survey_of(sight(cut)), 2, 1, SIZE)[0]
    _, row, column = centre(patch)
    assert patch.image.shape == (3, SIZE, SIZE)
    expected = np.zeros((SIZE, SIZE), np.bool_)
    expected[SIZE // 2 - row :, SIZE // 2 - column :] = True
    expected[SIZE // 2 - row + 2, SIZE // 2 - column + 5] = False
    np.testing.assert_array_equal(patch.valid, expected)
    assert patch.inside.sum() == 9


@pytest.mark.parametrize("cluster", [3])
def test_a_cluster_that_does_not_occur_has_none(cluster: int) -> None:
    assert cluster_patches(survey_of(sight(labels((2, 0, 0, 9)))), cluster, 8, SIZE) == []
