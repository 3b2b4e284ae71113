"""Recovery of the style from generated images: ClusterGAN 2019, Eq. 1; DLS-Clustering 2019, Eq. 6."""

from typing import Literal, final

from latentclust.api import Code, Latent, LatentclustError, LossSpec, Scalar


@final
class StyleRecovery(LossSpec):
    """Squared error `|zn - E(G(z))n|^2` between the style that an image was generated from and its code.

    Gradients flow into both arguments if both depend on a network, as in the swapped style of DLS-Clustering.

    Example:
        ```toml
        [losses.style-recovery]
        use = "style-recovery"
        player = "generator"
        weight = 10.0
        ```
    """

    reduction: Literal["mean", "sum"] = "mean"
    """Reduction over the style dimensions of a sample. Samples are always averaged.

    Eq. 1 prints the squared norm, a sum. The published weights (10 in ClusterGAN, 1 in DLS-Clustering) belong to code
    that takes the mean, so the mean is the default: a sum with the same weight is `style_dim` times as strong.
    """

    def __call__(self, code_of_fake: Code, prior_sample: Latent | Code) -> Scalar:
        """Return the error between two batches of styles, `(b, s)` each. Raise LatentclustError if s is 0."""
        if prior_sample.style.shape[1] == 0:
            raise LatentclustError.at(
                "prior.style_dim",
                "must be at least 1 for style-recovery, got 0",
                "Increase it, or set enabled = false in the table of the loss",
            )
        squares = (prior_sample.style.float() - code_of_fake.style.float()).square()
        return Scalar(squares.mean() if self.reduction == "mean" else squares.sum(dim=1).mean())
