"""Likelihood term of the variational bound of the semi-supervised VAE (Kingma et al. 2014, Eq. 7)."""

import math
from typing import ClassVar, final

from pydantic import PositiveFloat

from latentclust.api import ClusterImages, Code, Images, LossSpec, Scalar


@final
class ClusterLikelihood(LossSpec):
    """`-E_q(y|x) log N(x; G(y, z), sigma^2)` in nats per sample, where the expectation is the exact sum over clusters.

    The values of an image are independent given y and z. The constant of the Gaussian is included, so that the sum of
    this loss, `category-divergence` and `style-divergence` is an upper bound of `-log p(x)`.

    Example:
        ```toml
        [losses.likelihood]
        use = "cluster-likelihood"
        player = "cvae"
        sigma = 0.5
        ```
    """

    reads_style: ClassVar[bool] = False

    sigma: PositiveFloat = 0.5
    """Standard deviation of the observation noise, in units of the [0, 1] intensity."""

    def __call__(self, images: Images, cluster_reconstructions: ClusterImages, code_of_real: Code) -> Scalar:
        """Return the batch mean over images `(b, ...)`, reconstructions `(b, k, ...)` and logits `(b, k)`.

        For label maps with logits `(b, k, h, w)`, the pixels are independent and their terms are summed.
        """
        errors = (cluster_reconstructions.float() - images.float().unsqueeze(1)).square()
        per_pixel = code_of_real.logits.dim() > 2
        distances = errors.sum(dim=2) if per_pixel else errors.flatten(2).sum(dim=2)  # (b, k, h, w) or (b, k)
        constant = 0.5 * math.log(2 * math.pi * self.sigma**2) * images[0].numel()
        probabilities = code_of_real.logits.float().softmax(dim=1)
        return Scalar((probabilities * distances).flatten(1).sum(dim=1).mean() / (2 * self.sigma**2) + constant)
