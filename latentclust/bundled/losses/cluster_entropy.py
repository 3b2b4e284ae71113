"""Entropy of the clusters of a batch: SCAN (Van Gansbeke et al., ECCV 2020, second term of Eq. 2)."""

import math
from typing import final

from latentclust.api import HeadLogits, LossSpec, Scalar


@final
class ClusterEntropy(LossSpec):
    """Negative entropy of the mean cluster probabilities in nats, in [-log K, 0], mean over sub-heads.

    The mean is over the batch, and over the pixels of label maps. The loss is least for clusters of equal size. The
    batch should have several times K samples.

    Example:
        ```toml
        [losses.entropy]
        use = "cluster-entropy"
        player = "clustering"
        weight = 5.0
        ```
    """

    def __call__(self, heads_of_view: HeadLogits) -> Scalar:
        """Return the negative entropy of logits `(b, h, k)` or `(b, h, k, y, x)`."""
        log_p = heads_of_view.float().log_softmax(dim=2)
        samples = log_p.movedim(0, 2).flatten(2)  # (h, k, b y x)
        log_share = samples.logsumexp(dim=2) - math.log(samples.shape[2])
        return Scalar((log_share.exp() * log_share).sum(dim=1).mean())
