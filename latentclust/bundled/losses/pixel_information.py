"""Mutual information between the clusters of pixels and of nearby pixels of a view: IIC (Ji et al. 2019), Eq. 5."""

import math
from typing import Annotated, final

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from latentclust.api import HeadLogits, LossSpec, Mask, Scalar
from latentclust.bundled.losses.cluster_sizes import ClusterSizes

SMALLEST = 1e-12
"""Floor of the probabilities in a logarithm. The joint comes from a convolution, which cannot work in log space."""

LEAST_PAIRS = 0.5
"""Threshold between zero and one pair of pixels, so that a rounding error of the convolution does not count as one."""


@final
class PixelInvariantInformation(ClusterSizes, LossSpec):
    """Negative mutual information between the clusters of pixels and of displaced pixels of a view, in nats.

    There is one joint distribution for each displacement of at most `window` pixels in each direction, summed over the
    visible pixels of all images of the batch. The loss is the mean over displacements (the uncollapsed loss of the
    paper) and sub-heads. Displacements without a pair of pixels, as in images smaller than the window, are ignored.
    In data-parallel training each device uses the joint distributions of its own batch.

    Example:
        ```toml
        [losses.main]
        use = "pixel-invariant-information"
        player = "iic"
        window = 5
        on = { heads_of_real = "heads_of_real_features", heads_of_view = "aligned_heads_of_view" }
        ```
    """

    window: Annotated[int, Field(ge=0)] = 10
    """Largest displacement in pixels, T in the paper: 10 on Potsdam-3 and COCO-Stuff, 5 on Potsdam-6."""

    def __call__(self, heads_of_real: HeadLogits, heads_of_view: HeadLogits, visible: Mask) -> Scalar:
        """Return the loss of two batches of logits, `(b, h, k, y, x)` each, with the view aligned to the images."""
        joint = joint_of_displacements(
            heads_of_real.float().softmax(dim=2), heads_of_view.float().softmax(dim=2), visible, self.window
        )
        joint = (joint + joint.transpose(1, 2)) / 2
        total = joint.sum(dim=(1, 2), keepdim=True)
        met = (total > LEAST_PAIRS / visible.numel()).float()
        joint = met * joint / torch.where(met > 0, total, 1.0)
        log_joint, log_marginal = joint.clamp_min(SMALLEST).log(), joint.sum(dim=2).clamp_min(SMALLEST).log()
        within = (joint * log_joint).sum(dim=(1, 2))
        information = within + self.reward(joint.sum(dim=2), log_marginal)  # 0 for displacements without pairs
        return Scalar(-information.sum() / met.sum().clamp_min(1))


def joint_of_displacements(
    one: Float[Tensor, "b h k y x"], other: Float[Tensor, "b h k y x"], visible: Bool[Tensor, "b y x"], window: int
) -> Float[Tensor, "h k k t t"]:
    """Return the joint distributions `sum p_c(u) p'_c'(u + t) / (b h w)`, from one grouped convolution in float32.

    They are not normalised: each sums to the number of pairs of pixels at its displacement, divided by the number of
    all pixels.

    The convolution takes the batch as channels, the clusters of `other` as samples, those of `one` as filters of the
    size of the image, and the sub-heads as groups. TF32 is off for the sums; on a GPU their gradients follow torch's
    setting for convolutions.

    Returns:
        Values indexed by sub-head, cluster of `one`, cluster of `other`, and displacement down and to the right, each
        from `-window` to `window`.
    """
    batch, heads, clusters, height, width = one.shape
    counted = visible[:, None, None].to(one.dtype)
    samples = (other * counted).permute(2, 1, 0, 3, 4).reshape(clusters, heads * batch, height, width)
    filters = (one * counted).permute(1, 2, 0, 3, 4).reshape(heads * clusters, batch, height, width)
    # Scale before summing millions of products, so that a kernel in half precision cannot overflow.
    scale = math.sqrt(batch * height * width)
    cudnn = torch.backends.cudnn
    with cudnn.flags(cudnn.enabled, cudnn.benchmark, cudnn.benchmark_limit, cudnn.deterministic, allow_tf32=False):
        joints = functional.conv2d(samples / scale, filters / scale, padding=window, groups=heads)
    return joints.view(clusters, heads, clusters, *joints.shape[2:]).permute(1, 2, 0, 3, 4)
