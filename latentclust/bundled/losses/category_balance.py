"""Balance of the clusters: the marginal term of information maximisation (Hu et al. 2017, IMSAT, Eq. 4)."""

import math
from typing import final

from latentclust.api import Code, LossSpec, Scalar


@final
class CategoryBalance(LossSpec):
    """`KL(uniform || mean of Q(zc|x))` in nats, at least 0: how far the clusters of a batch are from equal shares.

    IMSAT measures the entropy of the mean, whose gradient vanishes for a cluster without samples. This direction of the
    divergence pulls samples into a cluster the harder the emptier it is. It assumes what the category of the prior
    assumes, clusters of about equal size: for unequal classes, lower its weight or end it early with a schedule.

    Example:
        ```toml
        [losses.balance]
        use = "category-balance"
        player = "encoder"
        weight = 0.5
        ```
    """

    def __call__(self, code_of_real: Code) -> Scalar:
        """Return the divergence of the mean over the batch of logits `(b, k)` or `(b, k, h, w)`."""
        log_q = code_of_real.logits.float().log_softmax(dim=1)
        samples = log_q.transpose(0, 1).flatten(1)  # (k, b) or (k, b h w)
        clusters, count = samples.shape
        log_share = samples.logsumexp(dim=1) - math.log(count)
        return Scalar(-log_share.mean() - math.log(clusters))
