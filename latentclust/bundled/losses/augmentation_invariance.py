"""The category must not change under augmentation: DCCS 2020, Eq. 7."""

from typing import final

from latentclust.api import Code, LossSpec, Scalar


@final
class AugmentationInvariance(LossSpec):
    """`KL(Q(zc|x) || Q(zc|T(x)))`, nats, batch mean; gradients flow into both codes, as the equation has it."""

    def __call__(self, code_of_real: Code, code_of_view: Code) -> Scalar:
        """The divergence between the cluster probabilities of images and of their views, logits `(b, k)` each."""
        log_p = code_of_real.logits.float().log_softmax(dim=1)
        log_q = code_of_view.logits.float().log_softmax(dim=1)
        return Scalar((log_p.exp() * (log_p - log_q)).sum(dim=1).mean())
