"""The critic's part of the logistic GAN objective: Goodfellow et al. 2014, Eq. 1; ClusterGAN 2019, Eq. 1, q = log."""

from typing import final

from torch.nn.functional import softplus

from latentclust.api import LossSpec, Scalar, Scores


@final
class GanCritic(LossSpec):
    """Cross-entropy of telling real from fake, nats: `E[-log S(C(real))] + E[-log(1 - S(C(fake)))]`, S the sigmoid.

    A critic that cannot tell them apart scores 2 log 2.
    """

    def __call__(self, score_of_real: Scores, score_of_fake: Scores) -> Scalar:
        """The term over two batches of logits, `(b,)` each."""
        return Scalar(softplus(-score_of_real.float()).mean() + softplus(score_of_fake.float()).mean())
