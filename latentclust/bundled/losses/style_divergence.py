"""Style term of the variational bound of the VAE (Kingma and Welling 2014, appendix B)."""

import math
from typing import final

from latentclust.api import Code, LatentclustError, LossSpec, PriorSpec, Scalar
from latentclust.bundled.categorical_map import CategoricalMap
from latentclust.bundled.priors import Gaussian, OneHotGaussian


@final
class StyleDivergence(LossSpec):
    """`KL(q(z|x) || N(0, s^2))` in nats, summed over the style and averaged over the batch; s is the prior's sigma.

    Example:
        ```toml
        [losses.style]
        use = "style-divergence"
        player = "cvae"
        ```
    """

    def __call__(self, code_of_real: Code, prior: PriorSpec) -> Scalar:
        """Return the divergence from styles and log variances, `(b, s)` or `(b, s, y, x)` each.

        Raises:
            LatentclustError: If the encoder returns no variance or the prior's style is not a zero-mean Gaussian.
        """
        if not isinstance(prior, OneHotGaussian | Gaussian | CategoricalMap):
            raise LatentclustError.at(
                "prior.use",
                "style-divergence requires a prior with a zero-mean Gaussian style",
                "Use one-hot-gaussian, gaussian or categorical-map, or set enabled = false in the table of the loss",
            )
        mean, log_variance = code_of_real.style.float(), code_of_real.style_log_variance
        log_ratio = log_variance - 2 * math.log(prior.sigma)
        divergences = 0.5 * (log_ratio.exp() + (mean / prior.sigma).square() - 1 - log_ratio)
        return Scalar(divergences.flatten(1).sum(dim=1).mean())
