"""Agreement of two clusterings, known by hand."""

import numpy as np

from latentclust.evaluate.partition_agreement import equal_share, matched_agreement

ONE = np.array([0, 0, 0, 1, 1, 2])


def test_it_does_not_ask_what_clusters_are_called() -> None:
    assert matched_agreement(ONE, (ONE + 1) % 3, 3) == 1.0
    assert equal_share(ONE, (ONE + 1) % 3) == 0.0


def test_clusters_are_matched_one_to_one() -> None:
    merged = np.zeros(6, dtype=np.int64)
    assert matched_agreement(ONE, merged, 3) == 3 / 6
    assert matched_agreement(ONE, np.array([0, 0, 1, 1, 1, 2]), 3) == 5 / 6
    assert equal_share(ONE, np.array([0, 0, 1, 1, 1, 2])) == 5 / 6
