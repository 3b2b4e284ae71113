"""The evidence lower bound of VaDE (Jiang et al. 2017, section 3.2): its two terms, and the values that they read."""

from typing import ClassVar, final

from latentclust.api import Centroids, Code, Images, Latent, LossSpec, Scalar, Similarities
from torch.nn import functional

from latentclust_vade.mixture import LOG_TWO_PI

LEAST_PROBABILITY = 1e-6
"""Smallest probability of a pixel value, so that its logarithm is finite."""


def mixture_of_sample(mixture: Centroids, posterior_sample: Latent) -> Similarities:
    """Return `log p(z, c)` of each component c at a latent z drawn from q(z | x), `(b, k)`."""
    return mixture(posterior_sample.vector())


@final
class MixtureDivergence(LossSpec):
    """`E_q[log q(z|x) - log p(z)]` in nats, mean over the batch, for a prior p that is a mixture of Gaussians.

    log p(z) is taken at one draw of z, because its expectation has no closed form; the entropy of q(z|x) is exact. As
    q(c|x) is p(c|z), this is the divergence of q(z, c | x) from p(z, c), the second term of the bound (Jiang et al.
    2017, section 3.2). They take p(c|z) at a draw too, and expectations of log p(z|c) exactly: another estimate.

    Example:
        ```toml
        [losses.mixture]
        use = "mixture-divergence"
        player = "vade"
        ```
    """

    def __call__(self, code_of_real: Code, mixture_of_sample: Similarities) -> Scalar:
        """Return the term from a code with log variances `(b, d)` and log joint densities `(b, k)`.

        Raises:
            LatentclustError: If the encoder computes no log variance.
        """
        entropies = 0.5 * (code_of_real.style_log_variance + 1 + LOG_TWO_PI).flatten(1).sum(dim=1)
        log_densities = mixture_of_sample.float()
        return Scalar(-(entropies + log_densities.logsumexp(dim=1)).mean())


@final
class BernoulliLikelihood(LossSpec):
    """`-E_q[log p(x|z)]` in nats per sample, with values in [0, 1] as probabilities of independent Bernoulli variables.

    Binary cross-entropy of the images and of a decoded draw of the latent, summed over the values of a sample (Jiang et
    al. 2017, section 3.1).

    Example:
        ```toml
        [losses.likelihood]
        use = "bernoulli-likelihood"
        player = "vade"
        ```
    """

    reads_style: ClassVar[bool] = True

    def __call__(self, images: Images, decoded_sample: Images) -> Scalar:
        """Return the batch mean over images and decoded samples of the same shape `(b, ...)`."""
        probabilities = decoded_sample.float().clamp(LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        terms = functional.binary_cross_entropy(probabilities, images.float(), reduction="none")
        return Scalar(terms.flatten(1).sum(dim=1).mean())
