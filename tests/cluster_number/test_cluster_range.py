"""Numbers of clusters as text."""

from typing import Any

import numpy as np
import pytest

from latentclust.cluster_number.cluster_range import parse_clusters
from latentclust.errors import LatentclustError

WHY = "two of the three rules count only between the smallest and the largest number"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("4..7", (4, 5, 6, 7)),
        ("4..10..3", (4, 7, 10)),
        ("8, 4,6,4", (4, 6, 8)),
        (range(2, 5), (2, 3, 4)),
        (np.array([5, 3, 8]), (3, 5, 8)),
    ],
)
def test_ranges_and_lists_give_ascending_numbers(given: Any, expected: tuple[int, ...]) -> None:
    assert parse_clusters(given) == expected


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("16..4", "the range '16..4' is reversed"),
        ("1..4", "1 is not a number of clusters to compare"),
        ("4..8..0", "the step of '4..8..0' is 0"),
        ("4..8..2..1", "'4..8..2..1' is not a range"),
        ("4,5.5", "'5.5' in '4,5.5' is not a whole number"),
        ("many", "'many' in 'many' is not a whole number"),
        ("", "'' in '' is not a whole number"),
        ("7", f"too few numbers to compare (7): {WHY}"),
        ("8,7,8", f"too few numbers to compare (7, 8): {WHY}"),
        ([4, 5.0], "5.0 is not a whole number"),
        ([True, 4], "True is not a whole number"),
        ([], "is empty"),
    ],
)
def test_everything_else_is_one_clear_error(given: Any, what: str) -> None:
    with pytest.raises(LatentclustError) as caught:
        parse_clusters(given)
    (issue,) = caught.value.issues
    assert (issue.where, issue.what) == ("--clusters", what)
