"""Points with a known number of clusters, and points without clusters, on which the rule of choose-k was chosen."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COUNT = 400
"""Number of points of each case."""

NUMBERS, DIMENSIONS, SEPARATIONS = (3, 5, 8, 12), (2, 10), (3.0, 4.0, 6.0)
"""Numbers of Gaussians; dimensions; least distances of two means, in mean standard deviations along an axis."""

SHAPES = ("uniform", "gaussian", "elongated")
"""Points without clusters: uniform in a cube, a round Gaussian, and one with standard deviations of 1 to 3."""

RATIO = 5.0
"""Largest share of a Gaussian divided by the smallest one, if their shares are unequal."""

WIDTHS, STRETCHED = (0.7, 1.3), (0.3, 2.0)
"""Ranges of the standard deviations along each axis, which are uniform: of most Gaussians, and of stretched ones."""

LAYOUTS = 50
"""Number of draws of the means, of which that with the largest least distance is taken."""

BELOW, ABOVE = (1, 5), (1, 6)
"""Ranges, without their ends, of how far the compared numbers reach below and above the known one."""

SETS = ("choosing", "held-out")
"""Two sets of cases with different random numbers: the rule was chosen on the first and measured on the second."""

Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Generated:
    """A generated case.

    Attributes:
        set: One of `SETS`.
        shape: `equal` or `unequal` shares of Gaussians, `stretched` Gaussians, or one of `SHAPES`.
        known: Number of Gaussians. 0 for points without clusters.
        dimensions: Number of dimensions.
        separation: Least distance of two means. 0 for points without clusters.
        around: Number around which numbers are compared: the known one, if there is any.
    """

    set: str
    shape: str
    known: int
    dimensions: int
    separation: float
    around: int

    @property
    def name(self) -> str:
        """Name of the case."""
        middle = f"{self.known}-apart-{self.separation:g}" if self.known else f"around-{self.around}"
        return f"{self.set}-{self.shape}-{middle}-in-{self.dimensions}"

    @property
    def seed(self) -> int:
        """Seed of its random numbers."""
        return [case.name for case in generated_cases()].index(self.name)

    def clusters(self) -> tuple[int, ...]:
        """Return the numbers of clusters that are compared, which do not have the known one in their middle."""
        rng = np.random.default_rng((1, self.seed))
        low, high = self.around - rng.integers(*BELOW), self.around + rng.integers(*ABOVE)
        return tuple(range(max(int(low), 2), int(high) + 1))

    def points(self) -> Points:
        """Return the points `(n, d)`."""
        rng = np.random.default_rng((0, self.seed))
        if self.shape == "uniform":
            return rng.random((COUNT, self.dimensions)).astype(np.float32)
        if not self.known:
            longest = 3.0 if self.shape == "elongated" else 1.0
            widths = np.linspace(1.0, longest, self.dimensions)
            return (widths * rng.standard_normal((COUNT, self.dimensions))).astype(np.float32)
        shares = RATIO ** np.linspace(0, 1, self.known) if self.shape == "unequal" else np.ones(self.known)
        sizes = np.diff(np.round(np.concatenate(([0.0], np.cumsum(shares))) / shares.sum() * COUNT)).astype(int)
        means = self.separation * _apart(self.known, self.dimensions, rng)
        widths = rng.uniform(*(STRETCHED if self.shape == "stretched" else WIDTHS), means.shape)
        which = np.repeat(np.arange(self.known), sizes)
        points = means[which] + widths[which] * rng.standard_normal((COUNT, self.dimensions))
        return points.astype(np.float32)


def generated_cases() -> Iterator[Generated]:
    """Yield all cases: Gaussians and points without clusters of both sets."""
    for each in itertools.product(SEPARATIONS, NUMBERS, DIMENSIONS, ("equal", "unequal"), SETS):
        separation, known, dimensions, shape, part = each
        yield Generated(part, shape, known, dimensions, separation, known)
    for shape, dimensions, around, part in itertools.product(SHAPES, DIMENSIONS, (5, 12), SETS):
        yield Generated(part, shape, 0, dimensions, 0.0, around)
    for separation, known, dimensions, part in itertools.product(SEPARATIONS[1:], NUMBERS, DIMENSIONS, SETS):
        yield Generated(part, "stretched", known, dimensions, separation, known)


def _apart(count: int, dimensions: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return means `(count, dimensions)`, uniform in a cube, whose least distance is 1."""
    best, least = np.zeros((count, dimensions)), 0.0
    for _ in range(LAYOUTS):
        means = rng.random((count, dimensions))
        distances = np.linalg.norm(means[:, None] - means, axis=-1)[np.triu_indices(count, 1)]
        if distances.min() > least:
            best, least = means, float(distances.min())
    return best / least
