"""Invariance of the cluster probabilities to augmentation: DCCS 2020, Eq. 7."""

from typing import ClassVar, final

from latentclust.api import Code, LossSpec, Scalar


@final
class AugmentationInvariance(LossSpec):
    """`KL(Q(zc|x) || Q(zc|T(x)))` in nats, at least 0, mean over the batch. Gradients flow into both codes.

    Example:
        ```toml
        [losses.augmentation]
        use = "augmentation-invariance"
        player = "encoder"
        weight = 2.0
        ```
    """

    reads_style: ClassVar[bool] = False

    def __call__(self, code_of_real: Code, code_of_view: Code) -> Scalar:
        """Return the divergence between the clusters of images and of their views, from logits `(b, k)` each."""
        log_p = code_of_real.logits.float().log_softmax(dim=1)
        log_q = code_of_view.logits.float().log_softmax(dim=1)
        return Scalar((log_p.exp() * (log_p - log_q)).sum(dim=1).mean())
