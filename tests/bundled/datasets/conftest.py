import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentclust.api import VOID, ImageSet, SealedMaps
from latentclust.data.roots import VARIABLE


@pytest.fixture
def real() -> tuple[Path, ...]:
    """The folders of real data sets."""
    named = os.environ.get(VARIABLE)
    if not named:
        pytest.skip(f"{VARIABLE} is unset: no real data to read")
    return tuple(Path(part) for part in named.split(os.pathsep))


Save = Callable[[str, np.ndarray], Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes an array as an image file below the test's folder."""

    def write(name: str, array: np.ndarray) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(path)
        return path

    return write


@pytest.fixture
def noise() -> Callable[..., np.ndarray]:
    """Random bytes of a shape, by seed."""
    return lambda *shape, seed=0: np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.fixture
def maps() -> Callable[[ImageSet], np.ndarray]:
    """All label maps of a set."""

    def read(opened: ImageSet) -> np.ndarray:
        assert isinstance(opened.labels, SealedMaps)
        return opened.labels.unseal(np.arange(len(opened.source)))

    return read


@pytest.fixture
def shares(maps: Callable[[ImageSet], np.ndarray]) -> Callable[[ImageSet], dict[str, float]]:
    """The share of each class among the labelled pixels."""

    def count(opened: ImageSet) -> dict[str, float]:
        labels = maps(opened)
        counts = np.bincount(labels[labels != VOID], minlength=len(opened.classes))
        return dict(zip(opened.classes, counts / counts.sum(), strict=True))

    return count
