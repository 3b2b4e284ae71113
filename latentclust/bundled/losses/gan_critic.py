"""Critic side of the logistic GAN objective: Goodfellow et al. 2014, Eq. 1; ClusterGAN 2019, Eq. 1 with q = log."""

from typing import final

from torch.nn.functional import softplus

from latentclust.api import LossSpec, Scalar, Scores


@final
class GanCritic(LossSpec):
    """`E[-log S(C(real))] + E[-log(1 - S(C(fake)))]` in nats, where S is the sigmoid; at least 0.

    A critic at chance has the value 2 log 2.

    Example:
        ```toml
        [losses.critic]
        use = "gan-critic"
        player = "critic"
        ```
    """

    def __call__(self, score_of_real: Scores, score_of_fake: Scores) -> Scalar:
        """Return the sum of the batch means over two batches of logits, `(b,)` each."""
        return Scalar(softplus(-score_of_real.float()).mean() + softplus(score_of_fake.float()).mean())
