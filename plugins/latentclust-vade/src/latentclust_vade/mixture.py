"""The prior of VaDE, a mixture of Gaussians with learned parameters (Jiang et al. 2017, section 3.1)."""

import math
from collections.abc import Mapping
from typing import Literal, final

import torch
from jaxtyping import Float, Int64
from latentclust.api import CentroidsSpec, Latent, LatentclustError, PriorSpec
from pydantic import Field, PositiveInt
from torch import Tensor, nn

Covariance = Literal["diag", "full"]

LOG_TWO_PI = math.log(2 * math.pi)

PREFIX = "body."
"""Begins the names of the components' parameters in the state of a network with the backbone `gaussian-components`."""


@final
class GaussianComponents(CentroidsSpec):
    """Weights, means and covariances of one Gaussian per cluster, which a network of the role `centroids` holds.

    It maps latent vectors z `(b, d)` to `log(pi_c N(z; mu_c, Sigma_c))`, `(b, k)`: their softmax is p(c | z), and their
    log sum of exponentials log p(z). Means begin at draws from N(0, 1), and covariances at the identity.

    Example:
        ```toml
        [networks.mixture]
        role = "centroids"
        reads = "latent"
        use = "gaussian-components"
        ```
    """

    covariance: Covariance = "diag"
    """Form of the covariance matrices: diagonal, as in VaDE, or any."""

    def centroids(self, clusters: int, width: int) -> nn.Module:
        """Create the components of latent vectors of `width` values."""
        return Components(clusters, width, self.covariance)


@final
class Components(nn.Module):
    """The components of a mixture of Gaussians, in float32.

    Each inverse covariance is P P^T with an upper triangular matrix P.

    Attributes:
        logits: Log weights pi up to a constant, `(k,)`.
        means: mu, `(k, d)`.
        log_scales: Logarithms of the diagonals of P, `(k, d)`; with diagonal covariances, -log sigma.
        shears: P above the diagonal, `(k, d, d)`; the other values are not used. None with diagonal covariances.
    """

    def __init__(self, clusters: int, width: int, covariance: Covariance = "diag") -> None:
        """Create equally likely components."""
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(clusters))
        self.means = nn.Parameter(torch.randn(clusters, width))
        self.log_scales = nn.Parameter(torch.zeros(clusters, width))
        self.shears = nn.Parameter(torch.zeros(clusters, width, width)) if covariance == "full" else None

    def forward(self, latents: Float[Tensor, "b d *s"]) -> Float[Tensor, "b k *s"]:
        """Return the log joint density of latent vectors, or of the positions of a map, and components in nats."""
        differences = latents.float().movedim(1, -1).unsqueeze(-2) - self.means.float()  # (b, *s, k, d)
        if self.shears is None:
            white = differences * self.log_scales.float().exp()
        else:
            white = torch.einsum("...kd,kde->...ke", differences, self.factors())
        constants = self.log_scales.float().sum(dim=1) - self.means.shape[1] / 2 * LOG_TWO_PI
        log_weights = self.logits.float().log_softmax(dim=0)
        return torch.movedim(log_weights + constants - white.square().sum(dim=-1) / 2, -1, 1)

    def factors(self) -> Float[Tensor, "k d d"]:
        """Return P of each component."""
        diagonals = torch.diag_embed(self.log_scales.float().exp())
        return diagonals if self.shears is None else diagonals + self.shears.float().triu(1)

    def draw(self, chosen: Int64[Tensor, " n"], rng: torch.Generator) -> Float[Tensor, "n d"]:
        """Return a draw of each of the chosen components."""
        noise = torch.randn(len(chosen), 1, self.means.shape[1], generator=rng, device=rng.device)
        chosen = chosen.to(self.means.device)
        factors = self.factors()[chosen]
        offsets: Tensor = torch.linalg.solve_triangular(factors, noise.to(factors.device), upper=True, left=False)
        return self.means.float()[chosen] + offsets.squeeze(1)


@final
class LearnedMixture(PriorSpec):
    """A mixture of Gaussians whose parameters are trained: those of the network `mixture`.

    The whole latent vector is style; the component is the cluster. `prior_sample` draws from N(0, 1).

    Example:
        ```toml
        [prior]
        use = "learned-mixture"
        clusters = 10
        style_dim = 10
        ```
    """

    clusters: int = Field(ge=2)
    """Number of components."""

    style_dim: PositiveInt = 10
    """Number of dimensions of the latent vector."""

    network: str = "mixture"
    """Name of the network with the components."""

    @property
    def categories(self) -> int:
        """Zero, the number of categories."""
        return 0

    @property
    def needs(self) -> tuple[str, ...]:
        """Name of the network with the components."""
        return (self.network,)

    def sample(self, count: int, rng: torch.Generator) -> Latent:
        """Draw `count` latents from N(0, 1), on the generator's device, float32."""
        return _style_only(torch.randn(count, self.style_dim, generator=rng, device=rng.device))

    def draw_modes(self, networks: Mapping[str, nn.Module], per_cluster: int, rng: torch.Generator) -> Latent:
        """Return `per_cluster` draws of each component, component by component."""
        chosen = torch.arange(self.clusters).repeat_interleave(per_cluster)
        with torch.no_grad():
            return _style_only(components(networks[self.network], self.network).draw(chosen, rng))

    def draw(self, networks: Mapping[str, nn.Module], count: int, rng: torch.Generator) -> Latent:
        """Return `count` draws of the mixture."""
        held = components(networks[self.network], self.network)
        with torch.no_grad():
            weights = held.logits.float().softmax(dim=0).to(rng.device)
            return _style_only(held.draw(torch.multinomial(weights, count, replacement=True, generator=rng), rng))


def components(network: nn.Module, name: str) -> Components:
    """Return the components that a network holds.

    Raises:
        LatentclustError: If it has another backbone.
    """
    body = dict(network.named_children()).get("body")
    if not isinstance(body, Components):
        fix = 'Set use = "gaussian-components" and role = "centroids" in its table'
        raise LatentclustError.at(f"networks.{name}", f"{name!r} does not hold the components of a mixture", fix)
    return body


def _style_only(style: Tensor) -> Latent:
    return Latent(category=style.new_zeros(len(style), 0), style=style)
