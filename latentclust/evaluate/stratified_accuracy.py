"""Accuracy and areas of a map, estimated from a stratified random sample of reference data (Olofsson et al. 2014)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from latentclust.errors import LatentclustError

Z95 = 1.96
"""Quantile of the normal distribution for a 95% confidence interval, rounded as in the paper."""

MIN_SAMPLES = 2
"""Minimum number of samples in a stratum for the variance within it."""


@dataclass(frozen=True, slots=True)
class Estimates:
    """Estimates with the half widths of their 95% confidence intervals.

    Attributes:
        values: Estimates `(n,)`; NaN where there is none.
        half_widths: Half widths `(n,)`; NaN where the variance is unknown.
    """

    values: Float[np.ndarray, " n"]
    half_widths: Float[np.ndarray, " n"]


@dataclass(frozen=True, slots=True)
class StratifiedAccuracy:
    """The accuracy of a map and the areas of its classes. Rows are classes of the map, columns of the reference.

    Attributes:
        counts: Number of samples `(n, n)`.
        proportions: Estimated proportion of the area of the sampled strata in each cell `(n, n)`.
        overall: Overall accuracy, one value.
        users: User's accuracy of each class: the share of its mapped area that is right.
        producers: Producer's accuracy of each class: the share of its reference area that is mapped as such.
        areas: Share of each class, by the reference, in the area of the sampled strata.
        sampled: Size of all strata with samples.
        unsampled: Whether each class of the map has no samples `(n,)`. The estimates do not include its area.
        single: Whether each class of the map has one sample `(n,)`, so that the variance within it is unknown.
    """

    counts: Int[np.ndarray, "n n"]
    proportions: Float[np.ndarray, "n n"]
    overall: Estimates
    users: Estimates
    producers: Estimates
    areas: Estimates
    sampled: float
    unsampled: np.ndarray
    single: np.ndarray


def stratified_accuracy(counts: Int[np.ndarray, "n n"], sizes: Float[np.ndarray, " n"]) -> StratifiedAccuracy:
    """Estimate accuracies and areas from an error matrix of sample counts. The strata are the classes of the map.

    Olofsson, Foody, Herold, Stehman, Woodcock and Wulder 2014, Good practices for estimating area and assessing
    accuracy of land change, Remote Sensing of Environment 148, 42-57, equations 1 to 11. The samples are random within
    each stratum, or in the whole map.

    Args:
        counts: Number of samples by class of the map (rows) and of the reference (columns).
        sizes: Area, or number of pixels, of each class in the map; 0 for a class that is in the reference alone.

    Raises:
        LatentclustError: If there are no samples, or a class has samples and no size.
    """
    samples = counts.sum(axis=1)
    if not samples.any() or (samples[sizes <= 0] > 0).any():
        what = f"has {samples.tolist()} samples in strata of sizes {sizes.tolist()}"
        raise LatentclustError.at("the error matrix", what, "Give samples, in strata with a size")
    taken = samples > 0
    weights = np.where(taken, sizes, 0) / sizes[taken].sum()
    within = counts / np.maximum(samples, 1)[:, np.newaxis]
    # The variance of a share within a stratum; a stratum without samples is not part of the estimates.
    variances = within * (1 - within) / np.where(samples > 1, samples - 1, np.where(samples == 1, np.nan, 1))[:, None]
    # With one sample 0 / NaN is NaN, as it must be: the variance is unknown although the share is 0 or 1.
    proportions = weights[:, np.newaxis] * within
    right, squares = np.diag(within), weights**2
    users = Estimates(np.where(taken, right, np.nan), np.where(taken, Z95 * np.sqrt(np.diag(variances)), np.nan))
    overall = np.array([(weights * right).sum()])
    spread = np.array([(squares * np.diag(variances)).sum()])
    areas = Estimates(proportions.sum(axis=0), Z95 * np.sqrt((squares[:, np.newaxis] * variances).sum(axis=0)))
    return StratifiedAccuracy(
        counts=counts,
        proportions=proportions,
        overall=Estimates(overall, Z95 * np.sqrt(spread)),
        users=users,
        producers=_producers(weights, within, variances, areas.values),
        areas=areas,
        sampled=float(sizes[taken].sum()),
        unsampled=(sizes > 0) & ~taken,
        single=samples == MIN_SAMPLES - 1,
    )


def _producers(
    weights: Float[np.ndarray, " n"],
    within: Float[np.ndarray, "n n"],
    variances: Float[np.ndarray, "n n"],
    areas: Float[np.ndarray, " n"],
) -> Estimates:
    """Return the producer's accuracies, NaN for classes that the reference does not have (equations 3 and 7)."""
    found = areas > 0
    size = np.where(found, areas, 1)
    values = weights * np.diag(within) / size
    squares = weights[:, np.newaxis] ** 2 * variances
    own = (1 - values) ** 2 * np.diag(squares)
    others = values**2 * (squares.sum(axis=0, where=~np.eye(len(weights), dtype=bool)))
    half_widths = Z95 * np.sqrt((own + others) / size**2)
    return Estimates(np.where(found, values, np.nan), np.where(found, half_widths, np.nan))
