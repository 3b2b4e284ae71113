"""Information between the clusters of an image and of its view: IIC (Ji et al., ICCV 2019)."""

import math
from typing import final

import torch
from jaxtyping import Float
from pydantic import PositiveFloat
from torch import Tensor

from latentclust.api import HeadLogits, LatentclustError, LossSpec, Scalar


@final
class InvariantInformation(LossSpec):
    """Negative mutual information between the clusters of images and of their views, nats, mean over sub-heads.

    The joint distribution of the two clusters is the mean over the batch of the outer products `p p'`, made symmetric.
    Without the coefficient the term lies in [-log K, 0]; 0 is reached by sub-heads that say the same of every image.
    All is computed in log space, so that a saturated sub-head has a finite gradient. In data-parallel training the
    joint is that of each device's own batch.
    """

    entropy_coefficient: PositiveFloat = 1.0
    """The paper's lambda, on both marginal entropies: above 1 it asks for clusters of more equal size."""

    def __call__(self, heads_of_real: HeadLogits, heads_of_view: HeadLogits) -> Scalar:
        """The term over two batches of logits, `(b, h, k)` each.

        Raises:
            LatentclustError: Unlike shapes, or the logits of label maps.
        """
        if heads_of_real.dim() > 3:
            what = "invariant-information compares one cluster an image, and here every pixel has one"
            raise LatentclustError.at("losses", what, "Use pixel-invariant-information")
        if heads_of_real.shape != heads_of_view.shape:
            raise LatentclustError.at(
                "losses",
                f"invariant-information compares logits {tuple(heads_of_real.shape)} and {tuple(heads_of_view.shape)}",
                "Bind both of its parameters to the same heads",
            )
        joint = log_joint(heads_of_real, heads_of_view)
        marginal = joint.logsumexp(dim=2)  # of a symmetric joint both are the same
        # sum P log P_c over c and c' is the sum over the marginal.
        within = (joint.exp() * joint).sum(dim=(1, 2))
        entropy = -(marginal.exp() * marginal).sum(dim=1)
        return Scalar(-(within + 2 * self.entropy_coefficient * entropy).mean())


def log_joint(one: Float[Tensor, "b h k"], other: Float[Tensor, "b h k"]) -> Float[Tensor, "h k k"]:
    """The logarithm of each sub-head's symmetric joint distribution of two clusters, float32."""
    log_p, log_q = one.float().log_softmax(dim=2), other.float().log_softmax(dim=2)
    pairs = log_p.unsqueeze(3) + log_q.unsqueeze(2)  # (b, h, k, k)
    joint = pairs.logsumexp(dim=0) - math.log(len(one))
    return torch.logaddexp(joint, joint.transpose(1, 2)) - math.log(2)
