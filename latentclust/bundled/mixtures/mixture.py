"""Gaussian mixtures with full, tied or diagonal covariance (Dempster, Laird and Rubin 1977)."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

CHUNK = 2**16
"""Largest number of points whose densities are computed at once."""

LEAST_WEIGHT = 1e-12
"""Floor of the weight of a component, so that its logarithm is finite."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """A Gaussian mixture.

    Attributes:
        weights: Weights of the components. They sum to one.
        means: Means.
        covariances: Covariance matrices; a single one for all components if they are tied.
    """

    weights: Float64[Tensor, " m"]
    means: Float64[Tensor, "m d"]
    covariances: Float64[Tensor, "m_or_1 d d"]

    def state(self) -> dict[str, Tensor]:
        """Return the tensors by name."""
        return {"weights": self.weights, "means": self.means, "covariances": self.covariances}

    @classmethod
    def of_state(cls, state: Mapping[str, Tensor]) -> "Mixture":
        """Return the mixture of the tensors of `state`."""
        return cls(state["weights"], state["means"], state["covariances"])

    def posteriors(self, points: Float[Tensor, "n d"], dtype: torch.dtype) -> Float[Tensor, "n m"]:
        """Return the posteriors of the components for points, computed in `dtype`."""
        densities = self.densities(dtype)
        return torch.cat([densities(part.to(dtype)).softmax(dim=1) for part in chunks(points)])

    def densities(self, dtype: torch.dtype) -> "Densities":
        """Return the function from points to the log densities of the components, which computes in `dtype`."""
        factor = torch.linalg.cholesky(self.covariances)
        identity = torch.eye(self.means.shape[1], dtype=factor.dtype, device=factor.device)
        whitening = torch.linalg.solve_triangular(factor, identity.expand_as(factor), upper=False).mT
        volume = whitening.diagonal(dim1=1, dim2=2).log().sum(dim=1)
        constant = self.weights.clamp_min(LEAST_WEIGHT).log() + volume
        constant = constant - self.means.shape[1] * math.log(2 * math.pi) / 2
        count = len(self.means)
        whitening = whitening.expand(count, *whitening.shape[1:])
        return Densities(constant.to(dtype), self.means.to(dtype), whitening.to(dtype))


@dataclass(frozen=True, slots=True)
class Densities:
    """The log densities of the components of a mixture, from factors that are computed once.

    Attributes:
        constant: What a component's log density is at its mean, with the logarithm of its weight.
        means: Means of the components.
        whitening: Matrices that whiten the rows of points, relative to the mean, of each component.
    """

    constant: Float[Tensor, " m"]
    means: Float[Tensor, "m d"]
    whitening: Float[Tensor, "m d d"]

    def __call__(self, points: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """Return the log joint density of each point and component, `log w_j + log N(x; m_j, S_j)`, in nats."""
        found = points.new_empty(len(points), len(self.means))
        for component, distances in enumerate(self._distances(points)):
            found[:, component] = distances
        return self.constant - found / 2

    def columns(self, points: Float[Tensor, "n d"]) -> list[Float[Tensor, " n"]]:
        """Return the columns of the result of a call, one for each component."""
        return [self.constant[at] - distances / 2 for at, distances in enumerate(self._distances(points))]

    def _distances(self, points: Float[Tensor, "n d"]) -> Iterator[Float[Tensor, " n"]]:
        """Yield the squared distances of points from the mean of each component, in its covariance."""
        for mean, whitening in zip(self.means, self.whitening, strict=True):
            yield ((points - mean) @ whitening).square().sum(dim=1)


def chunks(points: Float[Tensor, "n d"]) -> list[Float[Tensor, "_ d"]]:
    """Return points in chunks of at most `CHUNK`, at least one."""
    return [points[first : first + CHUNK] for first in range(0, max(len(points), 1), CHUNK)]
