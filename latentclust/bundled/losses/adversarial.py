"""The other side of the Wasserstein objective: ClusterGAN 2019, Eq. 1 with q(t) = t; DCCS 2020, Eq. 10."""

from typing import final

from latentclust.api import LossSpec, Scalar, Scores


@final
class Adversarial(LossSpec):
    """`-E[C(fake)]`: what a generator, or an encoder posing as the prior, minimises against a Wasserstein critic."""

    def __call__(self, score_of_fake: Scores) -> Scalar:
        """The term over a batch of scores `(b,)`; DCCS binds `score_of_fake` to `score_of_code`."""
        return Scalar(-score_of_fake.float().mean())
