"""Scores by neighbours: known values for outliers."""

import numpy as np

from latentclust.embed.scores import outlier_scores


def test_an_outlier_is_far_by_the_distances_of_its_own_cluster():
    last = np.array([1, 1, 4, 10, 10, 30], np.float32)
    cluster = np.array([0, 0, 0, 2, 2, 2])
    assert outlier_scores(last, cluster).tolist() == [1, 1, 4, 1, 1, 3]


def test_copies_alone_are_typical_and_others_infinitely_far():
    last = np.array([0, 0, 0, 2], np.float32)
    assert outlier_scores(last, np.zeros(4, np.int64)).tolist() == [1, 1, 1, np.inf]
