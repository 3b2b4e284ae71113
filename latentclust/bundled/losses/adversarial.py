"""Generator side of the Wasserstein objective: ClusterGAN 2019, Eq. 1 with q(t) = t; DCCS 2020, Eq. 10."""

from typing import final

from latentclust.api import LossSpec, Scalar, Scores


@final
class Adversarial(LossSpec):
    """`-E[C(fake)]`, the objective of a generator or encoder against a Wasserstein critic C, in units of the scores.

    DCCS binds `score_of_fake` to `score_of_code`: the encoder then imitates the prior.

    Example:
        ```toml
        [losses.adversarial]
        use = "adversarial"
        player = "encoder"
        on = { score_of_fake = "score_of_code" }
        ```
    """

    def __call__(self, score_of_fake: Scores) -> Scalar:
        """Return the batch mean over scores `(b,)`."""
        return Scalar(-score_of_fake.float().mean())
