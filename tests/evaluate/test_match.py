"""Hungarian matching against every possible matching of small tables, and agreement of clusterings known by hand."""

from itertools import permutations

import numpy as np
import pytest

from latentclust.evaluate.match import UNMATCHED, equal_share, hungarian, matched_agreement, matched_samples


def best_by_trial(table: np.ndarray) -> int:
    """The most matched samples over every one-to-one matching."""
    rows, columns = table.shape
    if rows <= columns:
        return max(sum(table[i, c] for i, c in enumerate(choice)) for choice in permutations(range(columns), rows))
    return best_by_trial(table.T)


@pytest.mark.parametrize("shape", [(2, 2), (4, 4), (5, 3), (3, 5), (6, 2), (1, 4), (4, 1)])
@pytest.mark.parametrize("seed", range(5))
def test_no_other_matching_is_better(shape: tuple[int, int], seed: int) -> None:
    table = np.random.default_rng(seed).integers(0, 6, shape)
    matching = hungarian(table)
    taken = matching[matching != UNMATCHED]
    assert matching.shape == shape[:1]
    assert len(set(taken.tolist())) == len(taken) <= min(shape)
    assert matched_samples(table, matching) == best_by_trial(table)


def test_extra_clusters_are_kept_and_unmatched() -> None:
    assert hungarian(np.array([[9, 0], [8, 0], [0, 7]])).tolist() == [0, UNMATCHED, 1]


def test_a_greedy_matching_is_not_enough() -> None:
    assert hungarian(np.array([[10, 9], [9, 0]])).tolist() == [1, 0]


def test_an_empty_cluster_has_no_class() -> None:
    assert hungarian(np.array([[5, 0], [0, 0]])).tolist() == [0, UNMATCHED]


ONE = np.array([0, 0, 0, 1, 1, 2])


def test_it_does_not_ask_what_clusters_are_called() -> None:
    assert matched_agreement(ONE, (ONE + 1) % 3, 3) == 1.0
    assert equal_share(ONE, (ONE + 1) % 3) == 0.0


def test_clusters_are_matched_one_to_one() -> None:
    merged = np.zeros(6, dtype=np.int64)
    assert matched_agreement(ONE, merged, 3) == 3 / 6
    assert matched_agreement(ONE, np.array([0, 0, 1, 1, 1, 2]), 3) == 5 / 6
    assert equal_share(ONE, np.array([0, 0, 1, 1, 1, 2])) == 5 / 6
