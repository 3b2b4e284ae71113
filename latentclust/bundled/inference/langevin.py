"""Langevin dynamics on style codes under a generator: Xing et al. 2020, Eqs. 3 and 4."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float32
from torch import Tensor

from latentclust.api import Generator, Images, Latent


@dataclass(frozen=True, slots=True)
class Joint:
    """log p(x, y, z) of the clustered generator, up to a constant: Eq. 4 with a prior of any width.

    Attributes:
        generator: G, which draws x from the category y and the style z.
        noise: Sigma, the standard deviation of the observation noise, in units of the images.
        width: Standard deviation of the prior of z; the paper's is 1.
        reach: What styles are multiplied by before G sees them; 0 makes y alone explain.
    """

    generator: Generator
    noise: float
    width: float
    reach: float = 1.0

    def latent(self, category: Float[Tensor, "r k"], style: Float[Tensor, "r s"]) -> Latent:
        """What the generator sees."""
        return Latent(category=category, style=self.reach * style)

    def misfit(
        self, images: Float[Tensor, "r *x"], category: Float[Tensor, "r k"], style: Float[Tensor, "r s"]
    ) -> Float32[Tensor, " r"]:
        """`|x - G(y, z)|^2 / 2 sigma^2`, the likelihood's part of the energy; nats."""
        error = self.generator(self.latent(category, style)).float() - images.float()
        return error.square().flatten(1).sum(dim=1) / (2 * self.noise**2)

    def tension(self, style: Float[Tensor, "r s"]) -> Float32[Tensor, " r"]:
        """`|z|^2 / 2`, in units of the prior's width: the prior's part of the energy; nats."""
        return style.float().square().sum(dim=1) / (2 * self.width**2)


def langevin(
    joint: Joint,
    images: Images,
    category: Float[Tensor, "r k"],
    style: Float32[Tensor, "r s"],
    steps: int,
    step_size: float,
    rng: torch.Generator,
) -> Float32[Tensor, "r s"]:
    """Styles after `steps` of `z += step_size grad log p(z, x, y) + sqrt(2 step_size) N(0, I)`, Eq. 3.

    Rows are independent chains. On a posterior with Gaussian precision L the chain's own covariance is
    `[L (I - step_size L / 2)]^-1`, and it diverges where step_size exceeds 2 over L's largest eigenvalue.
    """
    if not joint.reach or not style.shape[1]:
        return joint.width * torch.randn(style.shape, device=style.device, generator=rng)
    state = style.detach().clone().requires_grad_()
    noise = torch.empty_like(state, requires_grad=False)
    for _ in range(steps):
        with torch.enable_grad():
            energy = (joint.misfit(images, category, state) + joint.tension(state)).sum()
        (gradient,) = torch.autograd.grad(energy, state)  # and none for the generator's parameters
        noise.normal_(generator=rng)
        with torch.no_grad():
            state.add_(gradient, alpha=-step_size).add_(noise, alpha=(2 * step_size) ** 0.5)
    return state.detach()
