"""Synthetic data of ClusterGAN, Mukherjee et al. 2019, section 4: Gaussians in the plane, observed as f(U f(W z))."""

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from latentclust.api import ArraySource, DatasetSpec, ImageSet, image_set

_PLANE, _HIDDEN, _SEEN = 2, 10, 100
_CENTRES = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)])


class Synthetic(DatasetSpec):
    """Vectors of 100 values in (0, 1), x = f(U f(W z)), where f is the sigmoid and W (10x2) and U (100x10) are N(0, 1).

    The paper gives neither the centres of the Gaussians nor their spread. Here the centres are the corners of a square.

    Example:
        ```toml
        [data]
        use = "synthetic"
        per_cluster = 1000
        deviation = 0.3
        ```
    """

    summary: ClassVar[str] = "4 Gaussians of 2,500 points in the plane, seen through a random network as 100 features"
    licence: ClassVar[str] = "none: the data are generated"
    layout: ClassVar[str] = "nothing: the data are generated"

    seed: NonNegativeInt = 0
    """Random seed of the points and of W and U."""

    per_cluster: PositiveInt = 2500
    """Number of points of each Gaussian."""

    half_side: PositiveFloat = 2.0
    """Distance of the centres from both axes."""

    deviation: PositiveFloat = 0.5
    """Standard deviation of each Gaussian along each axis."""

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """Return the path of this module, which generates the data."""
        return Path(__file__)

    def fetch(self, root: Path) -> None:
        """Do nothing: the data are generated."""

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Generate the data, sorted by cluster."""
        rng = np.random.default_rng(self.seed)
        inner = rng.standard_normal((_HIDDEN, _PLANE))
        outer = rng.standard_normal((_SEEN, _HIDDEN))
        labels = np.repeat(np.arange(len(_CENTRES)), self.per_cluster)
        noise = self.deviation * rng.standard_normal((len(labels), _PLANE))
        points = self.half_side * _CENTRES[labels] + noise
        seen = _sigmoid(_sigmoid(points @ inner.T) @ outer.T)
        source = ArraySource(seen.astype(np.float32), "synthetic")
        return image_set(source, labels, tuple(f"Gaussian {number}" for number in range(1, 5)), "synthetic")


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    out: NDArray[np.float64] = 1 / (1 + np.exp(-values))
    return out
