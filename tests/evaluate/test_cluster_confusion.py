"""Which clusters a posterior confuses, in values known by hand."""

import numpy as np
import pytest

from latentclust.evaluate.cluster_confusion import confusion, sample_clusters

PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.5, 0.1, 0.4], [0.0, 0.9, 0.1]], dtype=np.float32)
LABELS = np.array([0, 0, 1])


def test_the_two_most_probable_clusters() -> None:
    found = sample_clusters(PROBABILITIES, LABELS)
    assert found.second.tolist() == [1, 2, 2]
    assert found.second_probability == pytest.approx([0.2, 0.4, 0.1])
    assert found.confidence == pytest.approx([0.7, 0.5, 0.9])


def test_equal_probabilities_have_another_cluster_as_second() -> None:
    found = sample_clusters(np.full((1, 2), 0.5, dtype=np.float32), np.array([0]))
    assert (found.second[0], found.second_probability[0]) == (1, 0.5)


def test_a_single_cluster_has_no_second() -> None:
    found = sample_clusters(np.ones((2, 1), dtype=np.float32), np.zeros(2, dtype=np.int64))
    assert found.second.tolist() == [-1, -1]
    assert found.second_probability.tolist() == [0, 0]


def test_confusion_is_the_mean_posterior_of_the_samples_of_a_cluster() -> None:
    expected = [[0.6, 0.15, 0.25], [0.0, 0.9, 0.1], [0, 0, 0]]
    assert confusion(PROBABILITIES, LABELS) == pytest.approx(np.array(expected))
