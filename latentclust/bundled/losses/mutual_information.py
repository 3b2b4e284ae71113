"""Mutual information between images and codes, estimated by a discriminator: DCCS 2020, Eq. 6."""

import math
from typing import final

from torch.nn.functional import softplus

from latentclust.api import LossSpec, Scalar, Scores


@final
class MutualInformation(LossSpec):
    """`-(E[log S(D(x, z))] + E[log(1 - S(D(x, z')))])` in nats: z encodes x, z' another image, S is the sigmoid.

    The minimum over discriminators is `2 log 2 - 2 JS`, where JS is the Jensen-Shannon divergence between the joint
    distribution and the product of the marginals (Eqs. 4 and 5). Hence `log 2 - loss / 2` is a lower bound of JS; it is
    at most log 2, and 0 for a discriminator at chance. In data-parallel training z' comes from the batch of the same
    device.

    The value is the sum of the two means, as Eq. 6 prints it. The authors' code takes the mean over the 2b pairs of a
    batch, which is half of it: their weight 0.5 is the weight 0.25 here (`dccs@2`).

    Example:
        ```toml
        [losses.mutual-information]
        use = "mutual-information"
        player = "encoder"
        weight = 0.5
        ```
    """

    def __call__(self, score_of_joint: Scores, score_of_marginal: Scores) -> Scalar:
        """Return the sum of the batch means over two batches of logits, `(b,)` each."""
        return Scalar(softplus(-score_of_joint.float()).mean() + softplus(score_of_marginal.float()).mean())

    def chance(self, clusters: int) -> float | None:
        """Return 2 log 2, the value of a discriminator that cannot tell the pairs apart."""
        return 2 * math.log(2)
