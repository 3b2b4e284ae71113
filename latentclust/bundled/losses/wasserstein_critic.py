"""The critic's part of the Wasserstein objective: Gulrajani et al. 2017, Eq. 3; DCCS 2020, Eq. 11."""

from typing import final

from latentclust.api import LossSpec, Scalar, Scores


@final
class WassersteinCritic(LossSpec):
    """`E[C(fake)] - E[C(real)]`: minus the critic's estimate of the Wasserstein-1 distance, in the sample's units.

    It estimates the distance only where the critic is 1-Lipschitz: pair it with `gradient-penalty`.
    """

    def __call__(self, score_of_real: Scores, score_of_fake: Scores) -> Scalar:
        """The term over two batches of scores, `(b,)` each."""
        return Scalar(score_of_fake.float().mean() - score_of_real.float().mean())
