"""Priors of latent vectors: that of ClusterGAN, and the three that its Fig. 3 compares it with."""

from abc import ABC
from functools import cache
from typing import final

import torch
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor

from latentclust.api import Latent, PriorSpec

STYLE_DIM = 30
"""Style dimensions for MNIST in ClusterGAN."""


@final
class OneHotGaussian(PriorSpec):
    """A uniform one-hot category and a style from N(0, sigma^2) (ClusterGAN, Section 2.3).

    A small sigma separates the clusters: the distance between two one-hot vectors is sqrt(2).

    Example:
        ```toml
        [prior]
        use = "one-hot-gaussian"
        clusters = 10
        style_dim = 30
        sigma = 0.1
        ```
    """

    clusters: int = Field(ge=2)
    """Number of clusters."""

    style_dim: NonNegativeInt = STYLE_DIM
    """Number of style dimensions."""

    sigma: PositiveFloat = 0.1
    """Standard deviation of each style dimension."""

    noise_dim: NonNegativeInt = 0
    """Number of further inputs of the generator, uniform on [-1, 1], that no encoder recovers; 62 in InfoGAN."""

    @property
    def categories(self) -> int:
        """Number of categories, one per cluster."""
        return self.clusters

    @property
    def noise_width(self) -> int:
        """Number of noise values."""
        return self.noise_dim

    def sample(self, count: int, rng: torch.Generator) -> Latent:
        """Draw `count` independent latents on the generator's device, float32."""
        cluster = torch.randint(self.clusters, (count, 1), generator=rng, device=rng.device)
        category = torch.zeros(count, self.clusters, device=rng.device).scatter_(1, cluster, 1.0)
        style = self.sigma * _normal(count, self.style_dim, rng)
        noise = _within_one(count, self.noise_dim, rng) if self.noise_dim else None
        return Latent(category=category, style=style, noise=noise)


class ContinuousPriorSpec(PriorSpec, ABC):
    """A prior without categories: the whole latent vector is style."""

    clusters: int = Field(ge=2)
    """Number of clusters that the inference looks for."""

    style_dim: PositiveInt = STYLE_DIM
    """Number of dimensions of the latent vector."""

    @property
    def categories(self) -> int:
        """Zero, the number of categories."""
        return 0


@final
class Gaussian(ContinuousPriorSpec):
    """A Gaussian N(0, sigma^2) (Goodfellow et al. 2014).

    Example:
        ```toml
        [prior]
        use = "gaussian"
        clusters = 10
        style_dim = 100
        ```
    """

    sigma: PositiveFloat = 1.0
    """Standard deviation of each dimension."""

    def sample(self, count: int, rng: torch.Generator) -> Latent:
        """Draw `count` independent latents on the generator's device, float32."""
        return _style_only(self.sigma * _normal(count, self.style_dim, rng))


@final
class GaussianMixturePrior(ContinuousPriorSpec):
    """One Gaussian per cluster, equally probable, with fixed means (as in DeLiGAN, Gurumurthy et al. 2017).

    The means are drawn once, uniformly from [-spread, spread]^d. They depend only on `seed` and not on the device.

    Example:
        ```toml
        [prior]
        use = "gaussian-mixture"
        clusters = 10
        sigma = 0.1
        spread = 1.0
        ```
    """

    sigma: PositiveFloat = 0.1
    """Standard deviation of each dimension within a component."""

    spread: PositiveFloat = 1.0
    """Largest absolute value of a mean."""

    seed: NonNegativeInt = 0
    """Random seed of the means."""

    def means(self, device: torch.device) -> Tensor:
        """Return the means of the components, `(k, style_dim)`."""
        return _means(self.clusters, self.style_dim, self.spread, self.seed, device)

    def sample(self, count: int, rng: torch.Generator) -> Latent:
        """Draw `count` independent latents on the generator's device, float32."""
        component = torch.randint(self.clusters, (count,), generator=rng, device=rng.device)
        noise = self.sigma * _normal(count, self.style_dim, rng)
        return _style_only(self.means(rng.device)[component] + noise)


@final
class Uniform(ContinuousPriorSpec):
    """A uniform distribution on [-half_width, half_width]^d (Radford et al. 2016).

    Example:
        ```toml
        [prior]
        use = "uniform"
        clusters = 10
        half_width = 1.0
        ```
    """

    half_width: PositiveFloat = 1.0
    """Largest absolute value of a dimension."""

    def sample(self, count: int, rng: torch.Generator) -> Latent:
        """Draw `count` independent latents on the generator's device, float32."""
        return _style_only(self.half_width * _within_one(count, self.style_dim, rng))


def _normal(count: int, width: int, rng: torch.Generator) -> Tensor:
    return torch.randn(count, width, generator=rng, device=rng.device)


def _within_one(count: int, width: int, rng: torch.Generator) -> Tensor:
    """Draw values that are uniform on [-1, 1]."""
    return 2 * torch.rand(count, width, generator=rng, device=rng.device) - 1


def _style_only(style: Tensor) -> Latent:
    return Latent(category=style.new_zeros(len(style), 0), style=style)


@cache  # A step that is captured as a CUDA graph must not copy the means from the host.
def _means(clusters: int, width: int, spread: float, seed: int, device: torch.device) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return (spread * (2 * torch.rand(clusters, width, generator=rng) - 1)).to(device)
