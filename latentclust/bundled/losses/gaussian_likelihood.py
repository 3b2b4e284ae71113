"""Objective of the clustered generator model at sampled latents: Zhu et al. 2019, Eqs. 4 and 8."""

from typing import final

from latentclust.api import Images, LossSpec, Scalar, Scale


@final
class GaussianLikelihood(LossSpec):
    """`|x - G(y, z)|^2 / 2 sigma^2` in nats: `-log p(x | y, z)` without its constant, for (y, z) from the posterior.

    Squares are summed over the values of a sample and averaged over the samples. Sigma is the `noise` of the
    inference, so a ramp there also applies here.

    Example:
        ```toml
        [losses.likelihood]
        use = "gaussian-likelihood"
        player = "generator"
        ```
    """

    def __call__(self, images: Images, decoded_sample: Images, noise_scale: Scale) -> Scalar:
        """Return the batch mean over images and decoded samples of the same shape `(b, ...)`."""
        squares = (decoded_sample.float() - images.float()).square().flatten(1).sum(dim=1)
        return Scalar(squares.mean() / (2 * noise_scale.square()))
