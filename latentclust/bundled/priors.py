"""Distributions of latent variables: ClusterGAN's, and the three that its Fig. 3 compares it with."""

from abc import ABC
from functools import cache
from typing import final

import torch
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor

from latentclust.api import Latent, PriorSpec

STYLE_DIM = 30
"""Size of the style code of MNIST in ClusterGAN, DLS and DCCS."""


@final
class OneHotGaussian(PriorSpec):
    """A one-hot category, uniform over the clusters, beside a style from N(0, sigma^2) (ClusterGAN, Section 2.3).

    A small sigma keeps the clusters apart: the one-hot vectors lie sqrt(2) from each other.
    """

    clusters: int = Field(ge=2)

    style_dim: NonNegativeInt = STYLE_DIM
    """Values of the style."""

    sigma: PositiveFloat = 0.1
    """Standard deviation of each value of the style."""

    @property
    def categories(self) -> int:
        """As many as clusters."""
        return self.clusters

    def sample(self, count: int, rng: torch.Generator) -> Latent:
        """`count` independent draws on the generator's device, float32."""
        chosen = torch.randint(self.clusters, (count, 1), generator=rng, device=rng.device)
        category = torch.zeros(count, self.clusters, device=rng.device).scatter_(1, chosen, 1.0)
        return Latent(category=category, style=self.sigma * _normal(count, self.style_dim, rng))


class ContinuousPriorSpec(PriorSpec, ABC):
    """A prior with no categorical part: its whole latent vector is style."""

    clusters: int = Field(ge=2)

    style_dim: PositiveInt = STYLE_DIM
    """Values of the latent vector, which is all style."""

    @property
    def categories(self) -> int:
        """None."""
        return 0


@final
class Gaussian(ContinuousPriorSpec):
    """N(0, sigma^2) (Goodfellow et al. 2014)."""

    sigma: PositiveFloat = 1.0
    """Standard deviation of each value."""

    def sample(self, count: int, rng: torch.Generator) -> Latent:
        """`count` independent draws on the generator's device, float32."""
        return _uncategorised(self.sigma * _normal(count, self.style_dim, rng))


@final
class GaussianMixturePrior(ContinuousPriorSpec):
    """One Gaussian a cluster, equally probable, about fixed means (as in DeLiGAN, Gurumurthy et al. 2017).

    The means are drawn once, uniformly from [-spread, spread]^d. They follow from `seed` alone, on every device.
    """

    sigma: PositiveFloat = 0.1
    """Standard deviation of each value about its component's mean."""

    spread: PositiveFloat = 1.0
    """Bound of the means, either way."""

    seed: NonNegativeInt = 0
    """Of the draw of the means."""

    def means(self, device: torch.device) -> Tensor:
        """The components' means, `(k, style_dim)`."""
        return _means(self.clusters, self.style_dim, self.spread, self.seed, device)

    def sample(self, count: int, rng: torch.Generator) -> Latent:
        """`count` independent draws on the generator's device, float32."""
        component = torch.randint(self.clusters, (count,), generator=rng, device=rng.device)
        noise = self.sigma * _normal(count, self.style_dim, rng)
        return _uncategorised(self.means(rng.device)[component] + noise)


@final
class Uniform(ContinuousPriorSpec):
    """Uniform on [-half_width, half_width]^d (Radford et al. 2016)."""

    half_width: PositiveFloat = 1.0
    """Bound of each value, either way."""

    def sample(self, count: int, rng: torch.Generator) -> Latent:
        """`count` independent draws on the generator's device, float32."""
        unit = torch.rand(count, self.style_dim, generator=rng, device=rng.device)
        return _uncategorised(self.half_width * (2 * unit - 1))


def _normal(count: int, width: int, rng: torch.Generator) -> Tensor:
    return torch.randn(count, width, generator=rng, device=rng.device)


def _uncategorised(style: Tensor) -> Latent:
    return Latent(category=style.new_zeros(len(style), 0), style=style)


@cache  # so that a step that is captured as a CUDA graph copies nothing from the host
def _means(clusters: int, width: int, spread: float, seed: int, device: torch.device) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return (spread * (2 * torch.rand(clusters, width, generator=rng) - 1)).to(device)
