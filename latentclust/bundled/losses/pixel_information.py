"""Information between the clusters of pixels and of those near them in a view: IIC (Ji et al., ICCV 2019), Eq. 5."""

import math
from typing import Annotated, final

import torch
from jaxtyping import Bool, Float
from pydantic import Field, PositiveFloat
from torch import Tensor
from torch.nn import functional

from latentclust.api import HeadLogits, LossSpec, Mask, Scalar

SMALLEST = 1e-12
"""Floor of a probability in a logarithm: the joint comes from a convolution, which has no log space."""

LEAST_PAIRS = 0.5
"""Of pixels that met at a displacement: between none and one, lest a convolution's rounding error be taken for one."""


@final
class PixelInvariantInformation(LossSpec):
    """Negative mutual information between the clusters of pixels and those of displaced pixels of a view, nats.

    For each displacement of at most `window` pixels either way a joint distribution is summed over the images of the
    batch and their pixels that count; the term is the mean over displacements (the paper's uncollapsed loss) and
    sub-heads. Displacements at which no two pixels meet, as in images smaller than the window, are left out. In
    data-parallel training the joints are those of each device's own batch.
    """

    window: Annotated[int, Field(ge=0)] = 10
    """The paper's T, pixels: 10 on Potsdam-3 and COCO-Stuff, 5 on Potsdam-6."""

    entropy_coefficient: PositiveFloat = 1.0
    """The paper's lambda, on both marginal entropies: above 1 it asks for clusters of more equal size."""

    def __call__(self, heads_of_real: HeadLogits, heads_of_view: HeadLogits, visible: Mask) -> Scalar:
        """The term over two batches of logits, `(b, h, k, y, x)` each, the view's already back in place."""
        joint = joint_of_displacements(
            heads_of_real.float().softmax(dim=2), heads_of_view.float().softmax(dim=2), visible, self.window
        )
        joint = (joint + joint.transpose(1, 2)) / 2
        total = joint.sum(dim=(1, 2), keepdim=True)
        met = (total > LEAST_PAIRS / visible.numel()).float()
        joint = met * joint / torch.where(met > 0, total, 1.0)
        log_joint, log_marginal = joint.clamp_min(SMALLEST).log(), joint.sum(dim=2).clamp_min(SMALLEST).log()
        within = (joint * log_joint).sum(dim=(1, 2))
        entropy = -(joint.sum(dim=2) * log_marginal).sum(dim=1)
        information = within + 2 * self.entropy_coefficient * entropy  # 0 where no two pixels met
        return Scalar(-information.sum() / met.sum().clamp_min(1))


def joint_of_displacements(
    one: Float[Tensor, "b h k y x"], other: Float[Tensor, "b h k y x"], visible: Bool[Tensor, "b y x"], window: int
) -> Float[Tensor, "h k k t t"]:
    """Joint distributions `sum p_c(u) p'_c'(u + t) / (b h w)`, as one grouped convolution in float32.

    TF32 is off for the sums themselves; on a GPU their gradients follow torch's own setting for convolutions.

    They are not normalised: each sums to the number of pairs of pixels that met, over that of all pixels.

    The batch is what is convolved over as channels, the clusters of `other` stand as samples and those of `one` as
    filters as large as the image, the sub-heads as groups. Rows are displacements down, columns to the right, from
    `-window` to `window`.

    Returns:
        Sub-head, cluster of `one`, cluster of `other`, and the displacement.
    """
    batch, heads, clusters, height, width = one.shape
    counted = visible[:, None, None].to(one.dtype)
    samples = (other * counted).permute(2, 1, 0, 3, 4).reshape(clusters, heads * batch, height, width)
    filters = (one * counted).permute(1, 2, 0, 3, 4).reshape(heads * clusters, batch, height, width)
    # Sums of millions of products: scaled first, so that half precision in a kernel could not overflow.
    scale = math.sqrt(batch * height * width)
    cudnn = torch.backends.cudnn
    with cudnn.flags(cudnn.enabled, cudnn.benchmark, cudnn.benchmark_limit, cudnn.deterministic, allow_tf32=False):
        joints = functional.conv2d(samples / scale, filters / scale, padding=window, groups=heads)
    return joints.view(clusters, heads, clusters, *joints.shape[2:]).permute(1, 2, 0, 3, 4)
