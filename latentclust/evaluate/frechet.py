"""The Fréchet distance of two sets of feature vectors, each described by a Gaussian. FID: Heusel et al. 2017, Eq. 6."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from latentclust.errors import LatentclustError


@dataclass(frozen=True, slots=True)
class FeatureStatistics:
    """The mean and covariance of a set of feature vectors.

    Attributes:
        count: Number of vectors, at least two.
        mean: Mean of each feature.
        covariance: Sample covariance (n - 1 in the denominator).
    """

    count: int
    mean: Float64[Tensor, " d"]
    covariance: Float64[Tensor, "d d"]


def feature_statistics(batches: Iterable[Tensor]) -> FeatureStatistics:
    """Return the statistics of all vectors, added up in float64 on their device, batch by batch.

    Args:
        batches: Vectors `(b, d)`; `b` may differ between batches.

    Raises:
        LatentclustError: If there are fewer than two vectors.
    """
    count = 0
    origin = total = products = torch.zeros(())
    for batch in batches:
        features = batch.double()
        if count == 0:
            # Products of differences from a point inside the cloud do not cancel as those from zero do.
            origin = features.mean(dim=0)
            total, products = torch.zeros_like(origin), features.new_zeros(len(origin), len(origin))
        centred = features - origin
        count += len(features)
        total = total + centred.sum(dim=0)
        products = products + centred.T @ centred
    if count < 2:
        what = f"has {count} vectors, and a covariance needs two"
        raise LatentclustError.at("Fréchet distance", what, "Use more samples")
    mean = total / count
    covariance = (products - count * torch.outer(mean, mean)) / (count - 1)
    return FeatureStatistics(count, origin + mean, covariance)


def frechet_distance(one: FeatureStatistics, other: FeatureStatistics) -> float:
    """Return `|m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^(1/2))`, at least 0, in squared units of the features.

    The trace of the root is the sum of the singular values of `C2^(1/2) C1^(1/2)`, which are real for any covariances.

    Raises:
        LatentclustError: If the two have different numbers of features.
    """
    if len(one.mean) != len(other.mean):
        what = f"cannot compare {len(one.mean)} features with {len(other.mean)}"
        raise LatentclustError.at("Fréchet distance", what, "Compute both by the same network")
    between = (one.mean - other.mean).square().sum()
    shared = torch.linalg.svdvals(_root(other.covariance) @ _root(one.covariance)).sum()
    distance = between + one.covariance.trace() + other.covariance.trace() - 2 * shared
    return max(float(distance), 0.0)


def _root(covariance: Float64[Tensor, "d d"]) -> Float64[Tensor, "d d"]:
    """Return the symmetric square root of a covariance; eigenvalues that rounding made negative count as 0."""
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    return root
