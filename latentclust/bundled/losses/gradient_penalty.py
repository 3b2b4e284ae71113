"""The penalty that keeps a critic nearly 1-Lipschitz: Gulrajani et al. 2017, Eq. 3; DCCS 2020, Eq. 11."""

from typing import final

import torch
from pydantic import NonNegativeFloat

from latentclust.api import Critic, Images, LossSpec, Scalar, Vectors


@final
class GradientPenalty(LossSpec):
    """`E[(|dC/dx|_2 - center)^2]` at points between real and fake samples, the norm over all dimensions of a sample.

    A critic with batch normalisation has no gradient of a single sample; give it another norm or none.
    """

    center: NonNegativeFloat = 1.0
    """The gradient norm asked for: 1 in WGAN-GP, 0 for the zero-centred penalty of Mescheder et al. 2018."""

    def __call__(self, critic: Critic, mixed_images: Images | Vectors) -> Scalar:
        """The penalty at `mixed_images`, `(b, ...)`, which are taken as constants; differentiable in the critic."""
        sample = mixed_images.detach().float().requires_grad_()
        (slope,) = torch.autograd.grad(critic(sample).float().sum(), sample, create_graph=True)  # type: ignore[arg-type]
        # vector_norm, unlike a square root of a sum, has the subgradient 0 at 0: a flat critic gives no NaN.
        return Scalar((torch.linalg.vector_norm(slope.flatten(1), dim=1) - self.center).square().mean())
