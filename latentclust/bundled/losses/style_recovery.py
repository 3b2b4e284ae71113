"""The style part of encoding what was generated: ClusterGAN 2019, Eq. 1; DLS-Clustering 2019, Eq. 6."""

from typing import Literal, final

from latentclust.api import Code, Latent, LatentclustError, LossSpec, Scalar


@final
class StyleRecovery(LossSpec):
    """Squared error `|zn - E(G(z))n|^2` between the style that made an image and the style read from it.

    Gradients flow into both arguments where both depend on a network, as in DLS-Clustering's swapped style.
    """

    reduction: Literal["mean", "sum"] = "mean"
    """How the squares of a sample's style dimensions combine; samples are averaged either way.

    Eq. 1 prints the squared norm, a sum. The published weights (10; DLS-Clustering's 1) belong to code that takes the
    mean over dimensions, so that is the default: a sum with the same weight is `style_dim` times as strong.
    """

    def __call__(self, code_of_fake: Code, prior_sample: Latent | Code) -> Scalar:
        """The error between two styles, `(b, s)` each; raises LatentclustError where s is 0."""
        if prior_sample.style.shape[1] == 0:
            raise LatentclustError.at(
                "prior.style_dim",
                "0 leaves style-recovery nothing to recover",
                "Raise it, or set enabled = false there",
            )
        squares = (prior_sample.style.float() - code_of_fake.style.float()).square()
        return Scalar(squares.mean() if self.reduction == "mean" else squares.sum(dim=1).mean())
