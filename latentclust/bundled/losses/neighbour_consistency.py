"""Consistency of the clusters of neighbours: SCAN (Van Gansbeke et al., ECCV 2020, first term of Eq. 2)."""

import math
from typing import final

import torch

from latentclust.api import HeadLogits, LossSpec, Scalar
from latentclust.bundled.losses.head_shapes import require_alike


@final
class NeighbourConsistency(LossSpec):
    """`-log <p, p'>` in nats, at least 0, mean over the batch and the sub-heads.

    p and p' are the cluster probabilities of an image and of a neighbour. The loss is 0 if both are one-hot and equal,
    which one cluster for all images achieves: combine it with `cluster-entropy`.

    Example:
        ```toml
        [losses.consistency]
        use = "neighbour-consistency"
        player = "clustering"
        ```
    """

    def __call__(self, heads_of_view: HeadLogits, heads_of_neighbour: HeadLogits) -> Scalar:
        """Return the loss of two batches of logits, `(b, h, k)` each.

        Raises:
            LatentclustError: If the shapes differ or the logits are label maps.
        """
        require_alike("neighbour-consistency", heads_of_view, heads_of_neighbour)
        log_p, log_q = heads_of_view.float().log_softmax(dim=2), heads_of_neighbour.float().log_softmax(dim=2)
        return Scalar(-torch.logsumexp(log_p + log_q, dim=2).mean())

    def chance(self, clusters: int) -> float | None:
        """Return the value of uniform probabilities, log K."""
        return math.log(clusters)
