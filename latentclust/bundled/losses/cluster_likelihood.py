"""The likelihood of images under every cluster: the semi-supervised VAE's bound (Kingma et al. 2014, Eq. 7)."""

import math
from typing import final

from pydantic import PositiveFloat

from latentclust.api import ClusterImages, Code, Images, LossSpec, Scalar


@final
class ClusterLikelihood(LossSpec):
    """`-E_q(y|x) log N(x; G(y, z), sigma^2)`, nats a sample: the expectation is the exact sum over the clusters.

    The values of an image are independent given y and z, and the constant of the Gaussian is kept, so that together
    with `category-divergence` and `style-divergence` the term bounds `-log p(x)` from above.
    """

    sigma: PositiveFloat = 0.5
    """Standard deviation of the noise, in units of the [0, 1] intensity."""

    def __call__(self, images: Images, cluster_reconstructions: ClusterImages, code_of_real: Code) -> Scalar:
        """The batch mean over images `(b, ...)`, reconstructions `(b, k, ...)` and logits `(b, k)`.

        Of label maps with logits `(b, k, h, w)`, the pixels are independent too, and their terms are summed.
        """
        errors = (cluster_reconstructions.float() - images.float().unsqueeze(1)).square()
        per_pixel = code_of_real.logits.dim() > 2
        distances = errors.sum(dim=2) if per_pixel else errors.flatten(2).sum(dim=2)  # (b, k, h, w) or (b, k)
        constant = 0.5 * math.log(2 * math.pi * self.sigma**2) * images[0].numel()
        probabilities = code_of_real.logits.float().softmax(dim=1)
        return Scalar((probabilities * distances).flatten(1).sum(dim=1).mean() / (2 * self.sigma**2) + constant)
