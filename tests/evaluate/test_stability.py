"""Stability of clusters: known values and limits."""

import numpy as np
import pytest

from latentclust.evaluate.match import UNMATCHED
from latentclust.evaluate.stability import cluster_stability, pair_counts


def test_permuted_clusters_are_found_again_in_full() -> None:
    labels = np.random.default_rng(0).integers(0, 5, 400)
    order = np.array([3, 0, 4, 1, 2])
    found = cluster_stability([pair_counts(labels, order[labels], 5, 5)] * 2)
    assert found.matched.tolist() == [order.tolist()] * 2
    assert found.mean.tolist() == [1.0] * 5


def test_independent_clusters_are_found_again_by_chance_alone() -> None:
    """Four clusters each, every pair with a sixteenth of the samples: 1 / (4 + 4 - 1)."""
    one, other = np.repeat(np.arange(4), 100), np.tile(np.arange(4), 100)
    assert cluster_stability([pair_counts(one, other, 4, 4)]).mean == pytest.approx(np.full(4, 1 / 7))


def test_a_joined_cluster_is_found_once_and_an_empty_one_has_no_value() -> None:
    """Clusters 0 and 1, of 6 and 4 samples, are joined; cluster 2 is whole; cluster 3 is empty."""
    one = np.repeat([0, 1, 2], [6, 4, 5])
    other = np.repeat([1, 0], [10, 5])
    found = cluster_stability([pair_counts(one, other, 4, 2)])
    assert found.matched.tolist() == [[1, UNMATCHED, 0, UNMATCHED]]
    assert found.jaccard[0, :3].tolist() == [0.6, 0.0, 1.0]
    assert np.isnan(found.mean[3])


def test_the_mean_is_over_the_other_clusterings() -> None:
    same, half = np.array([[4, 0], [0, 4]]), np.array([[2, 2], [0, 4]])
    found = cluster_stability([same, half])
    assert found.mean == pytest.approx([(1 + 2 / 4) / 2, (1 + 4 / 6) / 2])
    assert found.compared.tolist() == [8, 8]


def test_the_mean_leaves_out_clusterings_without_a_sample_of_the_cluster() -> None:
    found = cluster_stability([np.array([[4, 0], [0, 4]]), np.array([[0, 0], [1, 3]])])
    assert found.mean.tolist() == [1.0, (1 + 3 / 4) / 2]
