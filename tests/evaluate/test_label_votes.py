"""Classes of clusters by labels: majorities, matchings, ties and bootstrap intervals with known values."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from latentclust.evaluate.label_votes import (
    TIED,
    LabelVotes,
    agreement_shares,
    classes_by_majority,
    classes_one_to_one,
    votes_of_clusters,
    votes_of_counts,
)
from latentclust.evaluate.match import UNMATCHED


def test_the_table_counts_labels_by_cluster_and_class() -> None:
    votes = votes_of_clusters(np.array([0, 0, 2, 2, 2]), ["b", "a", "b", "b", "a"], 4)
    assert votes.names == ("a", "b")
    assert votes.table().tolist() == [[1, 1], [0, 0], [1, 2], [0, 0]]


def test_a_polygon_has_weight_one_whatever_its_size() -> None:
    votes = votes_of_counts(csr_array(np.array([[3, 1], [300, 100], [0, 7]])), ["a", "a", "b"])
    np.testing.assert_allclose(votes.table(), [[1.5, 0], [0.5, 1]])


def test_majority_names_several_clusters_alike_and_leaves_ties_and_empty_clusters() -> None:
    table = np.array([[3.0, 1.0], [5.0, 0.0], [2.0, 2.0], [0.0, 0.0], [0.1 + 0.2, 0.3]])
    assert classes_by_majority(table).tolist() == [0, 0, TIED, UNMATCHED, TIED]


def test_one_to_one_is_the_best_matching_and_says_where_another_is_as_good() -> None:
    assert classes_one_to_one(np.array([[5.0, 4.0], [4.0, 0.0], [0.0, 0.0]])).tolist() == [1, 0, UNMATCHED]
    assert classes_one_to_one(np.array([[2.0, 2.0], [2.0, 2.0]])).tolist() == [TIED, TIED]
    # The third cluster has its class in every best matching; the first two exchange theirs.
    table = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 4.0]])
    assert classes_one_to_one(table).tolist() == [TIED, TIED, 2]
    assert classes_one_to_one(np.array([[3.0], [2.0]])).tolist() == [0, UNMATCHED]
    assert classes_one_to_one(np.array([[5.0], [5.0], [4.0], [0.0]])).tolist() == [TIED, TIED, UNMATCHED, UNMATCHED]


def test_shares_and_their_intervals() -> None:
    clusters = np.repeat([0, 1, 2], [200, 50, 1])
    classes = ["a"] * 160 + ["b"] * 40 + ["b"] * 50 + ["a"]
    votes = votes_of_clusters(clusters, classes, 4)
    found = agreement_shares(votes, np.array([0, 1, UNMATCHED, UNMATCHED]))
    np.testing.assert_allclose(found.shares, [0.8, 1, 0, np.nan])
    assert found.overall == pytest.approx(210 / 251)
    # A binomial share of 0.8 over 200 has a standard deviation of 0.0283.
    np.testing.assert_allclose(found.intervals[0], [0.8 - 1.96 * 0.0283, 0.8 + 1.96 * 0.0283], atol=0.012)
    assert np.isnan(found.intervals[1:]).all()
    assert found.interval[0] < found.overall < found.interval[1]
    np.testing.assert_array_equal(agreement_shares(votes, np.array([0, 1, -1, -1])).interval, found.interval)


def test_units_are_resampled_and_not_their_pixels() -> None:
    # Ten polygons, half of them right, of many pixels each: as uncertain as ten points.
    pixels = np.zeros((10, 2), np.int64)
    pixels[:, 0] = 10_000
    polygons = agreement_shares(votes_of_counts(csr_array(pixels), ["a", "b"] * 5), np.array([0, -1]))
    points = agreement_shares(votes_of_clusters(np.zeros(10, np.int64), ["a", "b"] * 5, 2), np.array([0, -1]))
    np.testing.assert_array_equal(polygons.intervals, points.intervals)
    assert np.diff(polygons.intervals[0])[0] > 0.4


def test_one_label_has_no_interval() -> None:
    found = agreement_shares(LabelVotes(csr_array(np.array([[1.0, 0.0]])), np.array([0]), ("a",)), np.array([0, -1]))
    assert found.overall == 1
    assert np.isnan(found.interval).all()
