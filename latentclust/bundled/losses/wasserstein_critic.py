"""Critic side of the Wasserstein objective: Gulrajani et al. 2017, Eq. 3; DCCS 2020, Eq. 11."""

from typing import final

from latentclust.api import LossSpec, Scalar, Scores


@final
class WassersteinCritic(LossSpec):
    """`E[C(fake)] - E[C(real)]`: the negative estimate of the Wasserstein-1 distance, in units of the samples.

    The estimate is valid only for a 1-Lipschitz critic: combine this loss with `gradient-penalty`.

    Example:
        ```toml
        [losses.critic]
        use = "wasserstein-critic"
        player = "critic"
        ```
    """

    def __call__(self, score_of_real: Scores, score_of_fake: Scores) -> Scalar:
        """Return the difference of the batch means over two batches of scores, `(b,)` each."""
        return Scalar(score_of_fake.float().mean() - score_of_real.float().mean())
