"""Gradient penalty that keeps a critic nearly 1-Lipschitz: Gulrajani et al. 2017, Eq. 3; DCCS 2020, Eq. 11."""

from typing import final

import torch
from pydantic import NonNegativeFloat

from latentclust.api import Critic, Images, LossSpec, Scalar, Vectors


@final
class GradientPenalty(LossSpec):
    """`E[(|dC/dx|_2 - center)^2]` at points between real and fake samples, with the norm over a whole sample.

    With batch normalisation in the critic the gradient of a single sample is undefined: use another norm or none.

    Example:
        ```toml
        [losses.gradient-penalty]
        use = "gradient-penalty"
        player = "critic"
        weight = 10.0
        ```
    """

    center: NonNegativeFloat = 1.0
    """Target of the gradient norm: 1 in WGAN-GP, 0 for the zero-centred penalty of Mescheder et al. 2018."""

    def __call__(self, critic: Critic, mixed_images: Images | Vectors) -> Scalar:
        """Return the penalty at `mixed_images` `(b, ...)`. Gradients flow into the critic only."""
        sample = mixed_images.detach().float().requires_grad_()
        (slope,) = torch.autograd.grad(critic(sample).float().sum(), sample, create_graph=True)  # type: ignore[arg-type]
        # vector_norm has the subgradient 0 at 0, unlike the square root of a sum: a flat critic yields no NaN.
        return Scalar((torch.linalg.vector_norm(slope.flatten(1), dim=1) - self.center).square().mean())
