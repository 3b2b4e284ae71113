"""Pointwise mutual information between the clusters of an image and of its neighbour: TEMI (Adaloglou et al. 2023)."""

import math
from typing import Annotated, final

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from latentclust.api import HeadLogits, LatentclustError, LossSpec, Scalar


@final
class PointwiseInformation(LossSpec):
    """Negative pointwise mutual information of a student and a teacher at two neighbours, in nats, mean over sub-heads.

    With cluster probabilities q of the student and p of the teacher at the image x and its neighbour x' (Eqs. 3 to 6):
    `pmi(x, x') = log sum_c (q(c|x) p(c|x'))^beta / p(c)`, symmetrised in x and x'. A pair counts as much as
    the teacher's sub-heads agree that both have the same cluster (Eq. 7). The marginal p(c) is that of the batch, both
    sides of each pair together; the paper takes a running mean of it. Use batches of many more images than clusters.

    The teacher gets no gradient. It is a network that follows the heads, the student.

    Example:
        ```toml
        [losses.temi]
        use = "pointwise-information"
        player = "heads"
        ```
    """

    beta: Annotated[float, Field(gt=0, le=1)] = 0.6
    """Exponent of the probabilities. Below 1 it keeps all images from one cluster, and makes clusters more equal."""

    weighted: bool = True
    """Whether pairs are weighted by the agreement of the teacher's sub-heads."""

    def __call__(
        self,
        heads_of_real: HeadLogits,
        heads_of_neighbour: HeadLogits,
        teacher_of_real: HeadLogits,
        teacher_of_neighbour: HeadLogits,
    ) -> Scalar:
        """Return the loss of four batches of logits, `(b, h, k)` each.

        Raises:
            LatentclustError: If the shapes differ or the logits are label maps.
        """
        given = (heads_of_real, heads_of_neighbour, teacher_of_real, teacher_of_neighbour)
        shapes = {tuple(logits.shape) for logits in given}
        if len(shapes) > 1 or heads_of_real.dim() != 3:
            what = f"pointwise-information expects logits (b, h, k) of one shape, got {sorted(shapes)}"
            raise LatentclustError.at("losses", what, "Bind the parameters to networks with as many heads and clusters")
        q_real, q_near = (logits.float().log_softmax(dim=2) for logits in given[:2])
        p_real, p_near = (logits.detach().float().log_softmax(dim=2) for logits in given[2:])
        marginal = torch.cat((p_real, p_near)).logsumexp(dim=0) - math.log(2 * len(p_real))  # (h, k)
        information = (self._pmi(q_real + p_near, marginal) + self._pmi(q_near + p_real, marginal)) / 2  # (b, h)
        if self.weighted:
            information = information * (p_real + p_near).exp().sum(dim=2).mean(dim=1, keepdim=True)
        return Scalar(-information.mean())

    def _pmi(self, joint: Float[Tensor, "b h k"], marginal: Float[Tensor, "h k"]) -> Float[Tensor, "b h"]:
        return (self.beta * joint - marginal).logsumexp(dim=2)

    def chance(self, clusters: int) -> float | None:
        """Return the value of uniform probabilities."""
        information = 2 * (1 - self.beta) * math.log(clusters)
        return -information / clusters if self.weighted else -information
