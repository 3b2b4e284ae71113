"""Prediction strength of clusters."""

import math

import numpy as np
import pytest

from latentclust.evaluate.prediction_strength import prediction_strength


def test_the_same_clusters_under_other_numbers_have_full_strength() -> None:
    found = np.array([0, 0, 1, 1, 2, 2, 2])
    assert prediction_strength(found, (found + 1) % 3) == 1.0


def test_the_weakest_cluster_decides() -> None:
    found = np.repeat([0, 1], [4, 10])
    predicted = np.repeat([0, 1, 2], [4, 5, 5])
    assert prediction_strength(found, predicted) == pytest.approx(20 / 45)  # pairs 2 C(5, 2) of C(10, 2)


def test_joined_clusters_keep_their_pairs() -> None:
    assert prediction_strength(np.array([0, 0, 1, 1]), np.zeros(4, np.int64)) == 1.0


def test_clusters_of_one_sample_have_no_pairs() -> None:
    assert prediction_strength(np.array([0, 1, 1]), np.array([0, 1, 1])) == 1.0
    assert math.isnan(prediction_strength(np.arange(3), np.zeros(3, np.int64)))
    assert math.isnan(prediction_strength(np.zeros(0, np.int64), np.zeros(0, np.int64)))
