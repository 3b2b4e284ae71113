"""Expectation maximisation of Gaussian mixtures from sums over batches, in bounded memory."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from latentclust.bundled.mixtures.mixture import Mixture, chunks

Form = Literal["full", "tied", "diagonal"]
"""Covariance of the components: one each, one for all, or one each without correlations."""

EMPTY = 1e-6
"""Number of points below which a component keeps its mean and covariance."""

FLAT = 1e-12
"""Floor of the variance of channels, for those that are constant."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over points, weighted by the responsibilities of components.

    Attributes:
        count: Sums of the responsibilities.
        total: Sums of the points.
        products: Sums of the outer products of the points with themselves.
        log_likelihood: Sum of the log densities of the points in nats, 0-d.
    """

    count: Float64[Tensor, " m"]
    total: Float64[Tensor, "m d"]
    products: Float64[Tensor, "m d d"]
    log_likelihood: Float64[Tensor, ""]

    def __add__(self, other: "Moments") -> "Moments":
        """Return the sums over the points of both."""
        return Moments(
            self.count + other.count,
            self.total + other.total,
            self.products + other.products,
            self.log_likelihood + other.log_likelihood,
        )

    @property
    def mean_log_likelihood(self) -> float:
        """Mean log density of a point in nats."""
        return float(self.log_likelihood / self.count.sum())


@dataclass(frozen=True, slots=True)
class Maximisation:
    """The step from moments to the mixture of largest likelihood, with regularised covariances.

    Attributes:
        form: Form of the covariances.
        shrinkage: Weight of the covariance that is common to all components (Friedman 1989).
        floor: Variance that each channel has in every component in addition, as a share of its variance in the sample.
        origin: Point that is subtracted from all points, because the products of large values lose precision.
        variance: Variance of each channel in the sample.
    """

    form: Form
    shrinkage: float
    floor: float
    origin: Float64[Tensor, " d"]
    variance: Float64[Tensor, " d"]

    @classmethod
    def of_sample(cls, form: Form, shrinkage: float, floor: float, sample: Float[Tensor, "n d"]) -> "Maximisation":
        """Return the step with the mean and the variance of a sample."""
        points = sample.double()
        variance = points.var(dim=0, correction=0)
        # Other scenes may vary where the sample does not: such a channel has the scale of the others.
        variance = torch.where(variance > FLAT, variance, variance.mean().clamp_min(FLAT))
        return cls(form, shrinkage, floor, points.mean(dim=0), variance)

    def moments(self, points: Float[Tensor, "n d"], responsibilities: Float64[Tensor, "n m"]) -> Moments:
        """Return the moments of points about the origin."""
        centred = points.double() - self.origin
        products = torch.stack([centred.T @ (centred * each[:, None]) for each in responsibilities.T])
        zero = products.new_zeros(())
        return Moments(responsibilities.sum(dim=0), responsibilities.T @ centred, products, zero)

    def expected(self, mixture: Mixture, points: Float[Tensor, "n d"]) -> Moments:
        """Return the moments of points under the responsibilities of a mixture, and their log likelihood."""
        joint = mixture.densities(torch.float64)(points.double())
        evidence = joint.logsumexp(dim=1)
        found = self.moments(points, (joint - evidence[:, None]).exp())
        return Moments(found.count, found.total, found.products, evidence.sum())

    def mixture(self, moments: Moments, before: Mixture | None = None) -> Mixture:
        """Return the mixture of moments. Components without points are those of `before`."""
        count = moments.count.clamp_min(EMPTY)
        centre = moments.total / count[:, None]
        scatter = moments.products - count[:, None, None] * centre[:, :, None] * centre[:, None, :]
        tied = scatter.sum(dim=0, keepdim=True) / count.sum()
        own = scatter / count[:, None, None]
        covariance = tied if self.form == "tied" else (1 - self.shrinkage) * own + self.shrinkage * tied
        if self.form == "diagonal":
            covariance = torch.diag_embed(covariance.diagonal(dim1=1, dim2=2))
        covariance = covariance + torch.diag_embed(self.floor * self.variance)
        found = Mixture(moments.count / moments.count.sum(), centre + self.origin, covariance)
        return found if before is None else _kept(found, before, moments.count < EMPTY)

    def partition(self, points: Float[Tensor, "n d"], label: Int64[Tensor, " n"], components: int) -> Mixture:
        """Return the mixture of points whose components are given by a label each."""
        certain = torch.nn.functional.one_hot(label, components).double()
        return self.mixture(self.moments(points, certain))


def _kept(found: Mixture, before: Mixture, empty: Tensor) -> Mixture:
    """Return a mixture with the means and covariances of `before` for empty components."""
    means = torch.where(empty[:, None], before.means, found.means)
    if len(found.covariances) == 1:
        return Mixture(found.weights, means, found.covariances)
    return Mixture(found.weights, means, torch.where(empty[:, None, None], before.covariances, found.covariances))


def maximise(
    step: Maximisation, start: Mixture, sample: Float[Tensor, "n d"], most: int, tolerance: float
) -> tuple[Mixture, float]:
    """Iterate until the mean log likelihood of a sample changes by less than `tolerance`, `most` times at most.

    Returns:
        The mixture, and the mean log density of the sample in nats before the last step.
    """
    mixture, before = start, -torch.inf
    for _ in range(most):
        mixture, found = one_pass(step, mixture, lambda: chunks(sample))
        if abs(found - before) < tolerance:
            return mixture, found
        before = found
    return mixture, before


def one_pass(
    step: Maximisation, mixture: Mixture, points: Callable[[], Iterable[Float[Tensor, "_ d"]]]
) -> tuple[Mixture, float]:
    """Return the mixture after one iteration over batches of points, and their mean log density before it in nats."""
    sums: Moments | None = None
    for batch in points():
        for part in chunks(batch):
            found = step.expected(mixture, part)
            sums = found if sums is None else sums + found
    assert sums is not None, "there are points, because a sample of them exists"
    return step.mixture(sums, mixture), sums.mean_log_likelihood
