"""A floor under the shares of the clusters, so that none is lost during training."""

import math
from typing import Annotated, final

from pydantic import Field

from latentclust.api import Code, LossSpec, Scalar

Share = Annotated[float, Field(gt=0, le=1)]


@final
class CategoryBalance(LossSpec):
    """`1/K sum_k max(0, log(floor / (K share_k)))` in nats, at least 0, where `share_k` is the mean of `Q(zc=k|x)`.

    The loss is 0 while each cluster has at least `floor` times an equal share of the batch. Each deficient cluster adds
    its term of `KL(uniform || shares)`, less the value of that term at the floor. The gradient does not vanish for a
    cluster without samples, unlike that of the entropy of the shares (IMSAT, Hu et al. 2017): the samples that are
    nearest to the cluster return to it. Classes of unequal size are not split as long as the smallest exceeds the
    floor. The batch should have several times K samples, because the shares are those of the batch.

    Example:
        ```toml
        [losses.balance]
        use = "category-balance"
        player = "encoder"
        floor = 0.5
        weight = 0.5
        ```
    """

    floor: Share = 1.0
    """Least share of a cluster, as a fraction of the equal share 1/K. Classes of unequal size need a lower one."""

    def __call__(self, code_of_real: Code) -> Scalar:
        """Return the shortfall of the shares over the batch of logits `(b, k)` or `(b, k, h, w)`."""
        log_q = code_of_real.logits.float().log_softmax(dim=1)
        samples = log_q.transpose(0, 1).flatten(1)  # (k, b) or (k, b h w)
        clusters, count = samples.shape
        log_share = samples.logsumexp(dim=1) - math.log(count)
        return Scalar((math.log(self.floor / clusters) - log_share).clamp(min=0).mean())
