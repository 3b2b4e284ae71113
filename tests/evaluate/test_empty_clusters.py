"""Empty and near-empty clusters, and the probability of each cluster over the samples."""

import numpy as np
import pytest

from latentclust.evaluate.empty_clusters import NEAR_EMPTY_SHARE, EmptyClusters, PosteriorCounter, find_empty


@pytest.mark.parametrize(
    ("occupancy", "empty", "near_empty"),
    [
        ([25, 25, 25, 25], (), ()),
        ([50, 0, 25, 25], (1,), ()),
        ([50, 2, 24, 24], (), (1,)),  # the mean is 25, so the limit is 2.5
        ([50, 3, 23, 24], (), ()),
        ([100, 0, 0, 1], (1, 2), (3,)),
        ([0, 0, 0, 0], (), ()),  # no sample at all says nothing about a cluster
    ],
)
def test_empty_and_near_empty(occupancy: list[int], empty: tuple[int, ...], near_empty: tuple[int, ...]) -> None:
    assert find_empty(np.array(occupancy)) == EmptyClusters(empty, near_empty)


def test_a_cluster_of_exactly_the_limit_is_not_near_empty() -> None:
    """One tenth of the mean size: 30 of 600 samples in two clusters."""
    limit = int(NEAR_EMPTY_SHARE * 300)
    assert find_empty(np.array([600 - limit, limit])).near_empty == ()
    assert find_empty(np.array([601 - limit, limit - 1])).near_empty == (1,)


def test_the_verdict_does_not_depend_on_the_number_of_samples() -> None:
    small = np.array([50, 0, 2, 48])
    assert find_empty(small) == find_empty(small * 1000)


def test_largest_and_mean_probability_over_batches() -> None:
    counter = PosteriorCounter(3)
    counter.add(np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]], np.float32))
    counter.add(np.array([[0.0, 0.25, 0.75]], np.float32))
    found = counter.result()
    assert found is not None
    assert found.largest == pytest.approx([1.0, 0.5, 0.75])
    assert found.mean == pytest.approx([0.5, 0.25, 0.25])


def test_only_valid_pixels_count() -> None:
    probabilities = np.zeros((1, 2, 1, 2), np.float32)
    probabilities[0, :, 0, 0] = (0.75, 0.25)
    probabilities[0, :, 0, 1] = (0.0, 1.0)
    counter = PosteriorCounter(2)
    counter.add(probabilities, np.array([[[True, False]]]))
    found = counter.result()
    assert found is not None
    assert found.largest == pytest.approx([0.75, 0.25])
    assert found.mean == pytest.approx([0.75, 0.25])


def test_without_a_sample_nothing_is_known() -> None:
    counter = PosteriorCounter(2)
    counter.add(np.full((1, 2, 1, 1), 0.5, np.float32), np.array([[[False]]]))
    assert counter.result() is None
