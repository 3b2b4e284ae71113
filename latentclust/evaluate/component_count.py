"""A first guess of the number of clusters of pixels, by the integrated completed likelihood (Biernacki et al. 2000)."""

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

FEWEST, MOST = 3, 12
"""Numbers of components that are compared."""

FLOOR = 1e-3
"""Variance that is added to every standardised channel of a component, as the inference `gaussian-mixture` does."""

STARTS = 5
"""Number of starts of a fit, from points drawn as by k-means++, of which the best is compared."""

ITERATIONS = 100
"""Largest number of iterations of a fit."""

SMALLEST = 1e-12
"""Smallest probability that a logarithm is taken of."""


def count_components(points: NDArray[np.float64]) -> int:
    """Return the number of components, 3 to 12, of the mixture with the best integrated completed likelihood.

    That is the Bayesian information criterion with a penalty for points that belong to several components: components
    that overlap count less than distinct ones. Components have full covariances; the points are standardised. The
    result depends on the points alone.

    Args:
        points: Points `(n, d)`.
    """
    spread = points.std(axis=0)
    scaled = (points - points.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    most = min(MOST, len(np.unique(scaled, axis=0)))
    counts = range(min(FEWEST, most), most + 1)
    return min(counts, key=lambda count: _criterion(scaled, count))


def _criterion(points: NDArray[np.float64], count: int) -> float:
    """Return the integrated completed likelihood of a mixture in nats, times -2; smaller is better."""
    mixture = GaussianMixture(
        count, reg_covar=FLOOR, max_iter=ITERATIONS, n_init=STARTS, init_params="k-means++", random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # A fit after ITERATIONS is compared like the others.
        share = mixture.fit(points).predict_proba(points)
    entropy = -float((share * np.log(share.clip(SMALLEST))).sum())
    return float(mixture.bic(points)) + 2 * entropy
