"""Seeds of the random states that scikit-learn's estimators accept."""

from typing import Any

import numpy as np

from latentclust.errors import InvalidArgumentError, Issue


def as_seed(random_state: Any) -> int | None:
    """Return the seed of a random state: an int as it is, a number that a RandomState draws, None for None.

    Raises:
        InvalidArgumentError: If it is none of these.
    """
    if random_state is None:
        return None
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(np.iinfo(np.int32).max))
    if isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool) and random_state >= 0:
        return int(random_state)
    what = f"invalid value {random_state!r}"
    raise InvalidArgumentError(Issue("random_state", what, "Use None, an integer from 0 on, or a numpy RandomState"))
