"""Mutual information between the clusters of an image and of its view: IIC (Ji et al., ICCV 2019)."""

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from latentclust.api import HeadLogits, LatentclustError, LossSpec, Scalar
from latentclust.bundled.losses.cluster_sizes import ClusterSizes


@final
class InvariantInformation(ClusterSizes, LossSpec):
    """Negative mutual information between the clusters of images and of their views in nats, mean over sub-heads.

    The joint distribution of the two clusters is the symmetrised batch mean of the outer products `p p'`. With
    coefficient 1 the loss lies in [-log K, 0]; it is 0 for sub-heads with the same output for every image.
    Computation in log space keeps the gradient of a saturated sub-head finite. In data-parallel training each device
    uses the joint distribution of its own batch.

    Example:
        ```toml
        [losses.main]
        use = "invariant-information"
        player = "iic"
        on = { heads_of_real = "heads_of_real_features", heads_of_view = "heads_of_view_features" }
        ```
    """

    def __call__(self, heads_of_real: HeadLogits, heads_of_view: HeadLogits) -> Scalar:
        """Return the loss of two batches of logits, `(b, h, k)` each.

        Raises:
            LatentclustError: If the shapes differ or the logits are label maps.
        """
        if heads_of_real.dim() > 3:
            what = "invariant-information expects one cluster per image, got one per pixel"
            raise LatentclustError.at("losses", what, "Use pixel-invariant-information")
        if heads_of_real.shape != heads_of_view.shape:
            raise LatentclustError.at(
                "losses",
                "invariant-information expects logits of the same shape, "
                f"got {tuple(heads_of_real.shape)} and {tuple(heads_of_view.shape)}",
                "Bind both parameters to the same heads",
            )
        joint = log_joint(heads_of_real, heads_of_view)
        marginal = joint.logsumexp(dim=2)  # both marginals of a symmetric joint are equal
        # The sum of P log P_c over c and c' is the sum over the marginal.
        within = (joint.exp() * joint).sum(dim=(1, 2))
        return Scalar(-(within + self.reward(marginal.exp(), marginal)).mean())


def log_joint(one: Float[Tensor, "b h k"], other: Float[Tensor, "b h k"]) -> Float[Tensor, "h k k"]:
    """Return the logarithm of the symmetric joint distribution of two clusters for each sub-head, float32."""
    log_p, log_q = one.float().log_softmax(dim=2), other.float().log_softmax(dim=2)
    pairs = log_p.unsqueeze(3) + log_q.unsqueeze(2)  # (b, h, k, k)
    joint = pairs.logsumexp(dim=0) - math.log(len(one))
    return torch.logaddexp(joint, joint.transpose(1, 2)) - math.log(2)
