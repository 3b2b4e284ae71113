import os
from pathlib import Path

import pytest

from latentclust.data.roots import VARIABLE


@pytest.fixture
def real() -> tuple[Path, ...]:
    """The folders of real data sets."""
    named = os.environ.get(VARIABLE)
    if not named:
        pytest.skip(f"{VARIABLE} is unset: no real data to read")
    return tuple(Path(part) for part in named.split(os.pathsep))
