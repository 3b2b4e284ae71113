"""ClusterGAN's synthetic set, Mukherjee et al. 2019, section 4: Gaussians in the plane, seen as x = f(U f(W z))."""

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from latentclust.api import ArraySource, DatasetSpec, ImageSet, image_set

_PLANE, _HIDDEN, _SEEN = 2, 10, 100
_CENTRES = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)])


class Synthetic(DatasetSpec):
    """Vectors of 100 values in (0, 1). f is the sigmoid; W (10x2) and U (100x10) are drawn from N(0, 1).

    The paper gives neither the Gaussians' centres nor their spread: they are the corners of a square here, and options.
    """

    summary: ClassVar[str] = "4 Gaussians of 2,500 points in the plane, seen through a random network as 100 features"
    licence: ClassVar[str] = "none: it is drawn"
    layout: ClassVar[str] = "nothing: it is drawn"

    seed: NonNegativeInt = 0
    """Of the points and of W and U."""

    per_cluster: PositiveInt = 2500
    """Points of each Gaussian."""

    half_side: PositiveFloat = 2.0
    """Distance of the centres from either axis."""

    deviation: PositiveFloat = 0.5
    """Standard deviation of each Gaussian along each axis."""

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """This file, which draws it."""
        return Path(__file__)

    def fetch(self, root: Path) -> None:
        """Nothing: it is drawn."""

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Draws the set, cluster after cluster."""
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
