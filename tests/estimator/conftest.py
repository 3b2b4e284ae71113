"""Small data, and an estimator that trains for an instant."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from latentclust import DeepClusterer

QUICK = {"train.rounds": 3, "prior.style_dim": 10, "inference.use": "kmeans-on-code", "evaluate.tsne": False}
"""Three rounds. The codes of untrained networks are clustered, so that blobs are found nevertheless."""


@pytest.fixture(scope="session")
def blobs() -> NDArray[np.float64]:
    """Three groups of ten vectors of four values, far apart: (30, 4), from about -1 to 9."""
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0, 0, 0], [8, 8, 0, 0], [0, 8, 8, 8]])
    return np.repeat(centres, 10, axis=0) + rng.normal(scale=0.3, size=(30, 4))


@pytest.fixture(scope="session")
def pictures() -> NDArray[np.uint8]:
    """Thirty colour images with three different bright quarters: (30, 16, 16, 3)."""
    images = np.random.default_rng(0).integers(0, 40, (30, 16, 16, 3), np.uint8)
    for number, image in enumerate(images):
        row, column = divmod(number % 3, 2)
        image[8 * row : 8 * row + 8, 8 * column : 8 * column + 8] += 200
    return images


@pytest.fixture(scope="session")
def quick() -> Callable[..., DeepClusterer]:
    """Make an estimator of three clusters and three rounds."""

    def make(**parameters: Any) -> DeepClusterer:
        given = {"recipe": "dccs", "n_clusters": 3, "overrides": QUICK, "device": "cpu", "random_state": 0} | parameters
        return DeepClusterer(**given)

    return make


@pytest.fixture(scope="session")
def fitted(quick: Callable[..., DeepClusterer], blobs: NDArray[np.float64]) -> DeepClusterer:
    """An estimator that is fitted to the blobs; do not change it."""
    return quick().fit(blobs)
