"""The clustered generator's objective at sampled latents: Xing et al. 2020, Eqs. 4 and 8."""

from typing import final

from latentclust.api import Images, LossSpec, Scalar, Scale


@final
class GaussianLikelihood(LossSpec):
    """`|x - G(y, z)|^2 / 2 sigma^2`, nats: minus log p(x | y, z) but for a constant, at latents of the posterior.

    Squares are summed over a sample's values, and samples averaged. Sigma is the noise that the inference samples
    with, so that annealing it there anneals it here.
    """

    def __call__(self, images: Images, decoded_sample: Images, noise_scale: Scale) -> Scalar:
        """The term of two batches of one shape, `(b, ...)`."""
        squares = (decoded_sample.float() - images.float()).square().flatten(1).sum(dim=1)
        return Scalar(squares.mean() / (2 * noise_scale.square()))
