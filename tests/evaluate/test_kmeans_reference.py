"""k-means of points beside k-means of points without clusters."""

import numpy as np
import pytest

from latentclust.evaluate.kmeans_reference import KMeansScores, choose_by_gap, score_kmeans

NUMBERS = (2, 3, 4, 5)


@pytest.fixture(scope="module")
def scores() -> dict[int, KMeansScores]:
    """The scores of three Gaussians in the plane, far from each other."""
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    points = (centres.repeat(40, axis=0) + rng.standard_normal((120, 2))).astype(np.float32)
    return {number: score_kmeans(points, number, 0.8, seed=0) for number in NUMBERS}


def test_all_scores_find_three_gaussians(scores: dict[int, KMeansScores]) -> None:
    gaps, errors = ([getattr(scores[k], key) for k in NUMBERS] for key in ("gap", "gap_error"))
    assert choose_by_gap(NUMBERS, gaps, errors) == 3
    assert max(NUMBERS, key=lambda number: scores[number].silhouette or 0.0) == 3
    assert scores[3].stability == pytest.approx(1.0)
    assert scores[3].chance < 0.9
    assert scores[5].stability < 0.9


def test_the_gap_rule_takes_the_first_number_within_an_error_of_the_next() -> None:
    assert choose_by_gap((2, 3, 4), (0.1, 0.5, 0.52), (0.0, 0.05, 0.05)) == 3
    assert choose_by_gap((2, 3, 4), (0.6, 0.5, 0.52), (0.0, 0.05, 0.05)) == 2
    assert choose_by_gap((2, 3, 4), (0.1, 0.2, 0.3), (0.0, 0.01, 0.01)) is None
