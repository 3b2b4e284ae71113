"""Self-labelling of pixels by optimal transport: SeLa (Asano et al., ICLR 2020) and SwAV (Caron et al. 2020, Eq. 3)."""

import math
from typing import Literal, final

import torch
from jaxtyping import Bool, Float
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from latentclust.api import HeadLogits, LossSpec, Mask, Scalar
from latentclust.bundled.losses.cluster_sizes import Shares, shares_by_size

EXCLUDED = -1e9
"""Log weight of pixels that do not count: finite, so that a batch without visible pixels has a finite loss."""


@final
class SinkhornLabelling(LossSpec):
    """Cross-entropy of the clusters of a view, with an assignment of the pixels of the images as labels, nats.

    The assignment is an optimal transport with entropic regularisation from pixels to clusters, computed by Sinkhorn
    iterations over the visible pixels of a batch. It is sharper than the probabilities of the images by the factor
    1 / `temperature` of their logits, and the clusters have the sizes that `sizes` says. With `"own"` sizes no cluster
    grows at the expense of others because it is sharper, and none is pulled towards an equal size. No gradient flows
    into the labels. The loss is the mean over visible pixels and sub-heads. In data-parallel training each device
    assigns the pixels of its own batch.

    Example:
        ```toml
        [losses.labelling]
        use = "sinkhorn-labelling"
        player = "iic"
        on = { heads_of_real = "heads_of_real_features", heads_of_view = "aligned_heads_of_view" }
        ```
    """

    temperature: PositiveFloat = 0.5
    """Divisor of the logits of the images in the assignment. Below 1 labels are sharper than probabilities."""

    sizes: Literal["own", "equal"] | Shares = "own"
    """Sizes of the clusters in the assignment of a batch: those that its probabilities sum to (`own`), equal ones as in
    the papers, or shares in any order, the largest of which the largest cluster has."""

    iterations: PositiveInt = 5
    """Number of Sinkhorn iterations. SwAV has 3."""

    def __call__(self, heads_of_real: HeadLogits, heads_of_view: HeadLogits, visible: Mask) -> Scalar:
        """Return the loss of two batches of logits, `(b, h, k, y, x)` each, with the view aligned to the images.

        Raises:
            LatentclustError: If the number of shares is not the number of clusters.
        """
        with torch.no_grad():
            log_p = heads_of_real.detach().float().log_softmax(dim=2)
            log_sizes = self._log_sizes(log_p, visible)
            labels = assignment(log_p / self.temperature, log_sizes, visible, self.iterations).exp()
        each = -(labels * heads_of_view.float().log_softmax(dim=2)).sum(dim=2).mean(dim=1)  # (b, y, x)
        weight = visible.to(each.dtype)
        return Scalar((each * weight).sum() / weight.sum().clamp_min(1))

    def _log_sizes(self, log_p: Float[Tensor, "b h k y x"], visible: Mask) -> Float[Tensor, "h k"]:
        """Return the log shares of the clusters of each sub-head in the assignment."""
        clusters = log_p.shape[2]
        own = _log_mean(log_p, visible)
        if self.sizes == "own":
            return own
        if self.sizes == "equal":
            return torch.full_like(own, -math.log(clusters))
        return shares_by_size(own, self.sizes).log()


def assignment(
    log_scores: Float[Tensor, "b h k y x"],
    log_sizes: Float[Tensor, "h k"],
    visible: Bool[Tensor, "b y x"],
    iterations: int,
) -> Float[Tensor, "b h k y x"]:
    """Return the log probabilities of clusters whose mean over visible pixels approaches given sizes.

    Each iteration multiplies the clusters by factors that give them their sizes, and normalises each pixel
    (Sinkhorn and Knopp 1967; Cuturi 2013). Pixels are normalised last, so that each has probabilities.
    """
    found = log_scores.log_softmax(dim=2)
    for _ in range(iterations):
        factor = log_sizes - _log_mean(found, visible)
        found = (found + factor[None, :, :, None, None]).log_softmax(dim=2)
    return found


def _log_mean(log_p: Float[Tensor, "b h k y x"], visible: Bool[Tensor, "b y x"]) -> Float[Tensor, "h k"]:
    """Return the logarithm of the mean probability of each cluster over the visible pixels."""
    log_weight = torch.where(visible, 0.0, EXCLUDED)[:, None, None]
    total = (log_p + log_weight).logsumexp(dim=(0, 3, 4))
    return total.log_softmax(dim=1)  # probabilities sum to 1
