"""Critic of the latent for classes of unequal size: DCCS 2020, Eq. 11, with a prior that follows the clusters."""

from typing import Annotated, final

from pydantic import Field

from latentclust.api import Code, Latent, LossSpec, Scalar, Scores

Fraction = Annotated[float, Field(ge=0, le=1)]


@final
class AdaptiveWassersteinCritic(LossSpec):
    """`E[C(code)] - E_w[C(prior)]`, where a prior sample of category k has the weight `K ((1 - a) / K + a share_k)`.

    `share_k` is the mean of `Q(zc=k|x)` over the batch, and a is `adaptation`. With 0 this is `wasserstein-critic`: the
    prior has equal shares, and a data set of unequal classes lies at a distance from it that the encoder reduces by
    splitting the largest class and merging the smallest ones. With 1 the shares cost nothing, and only a code that is
    not one-hot, or a style that is not Gaussian, does. Between them the cost of unequal shares falls by the factor
    `1 - a`. The weights do not depend on the critic, and no gradient flows into the code through them.

    Example:
        ```toml
        [losses.critic]
        use = "adaptive-wasserstein-critic"
        player = "critic"
        adaptation = 0.8
        ```
    """

    adaptation: Fraction = 0.8
    """How far the shares of the prior follow those of the codes: 0 not at all, 1 wholly."""

    def __call__(
        self, score_of_prior: Scores, score_of_code: Scores, prior_sample: Latent, code_of_real: Code
    ) -> Scalar:
        """Return the difference of the means, from scores `(b,)`, categories `(b, k)` and logits `(b, k)`."""
        shares = code_of_real.logits.detach().float().softmax(dim=1).mean(dim=0)
        equal = 1 / len(shares)
        weights = prior_sample.category @ (equal + self.adaptation * (shares - equal))  # (b,)
        score = (weights * score_of_prior.float()).sum() / weights.sum()
        return Scalar(score_of_code.float().mean() - score)
