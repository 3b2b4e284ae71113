"""The part of invariant information that the sizes of clusters decide: Ji et al. 2019, section 3.1."""

import math
from typing import Annotated

import torch
from jaxtyping import Float
from pydantic import AfterValidator, Field, PositiveFloat
from torch import Tensor

from latentclust.api import LatentclustError, Spec

TOLERANCE = 1e-3
"""Largest distance from 1 of the sum of shares."""


def _sum_to_one(shares: tuple[float, ...]) -> tuple[float, ...]:
    if abs(sum(shares) - 1) > TOLERANCE:
        raise ValueError(f"the shares must sum to 1, got {sum(shares):g}")
    return tuple(sorted((share / sum(shares) for share in shares), reverse=True))


Shares = Annotated[tuple[PositiveFloat, ...], Field(min_length=2), AfterValidator(_sum_to_one)]
"""Shares that sum to 1; sorted, the largest first."""


def shares_by_size(sizes: Float[Tensor, "h k"], shares: tuple[float, ...]) -> Float[Tensor, "h k"]:
    """Return the share of each cluster: the largest share for the cluster of the largest size, and so on.

    Args:
        sizes: Sizes of the clusters of each sub-head, in any unit.
        shares: Shares, the largest first.

    Raises:
        LatentclustError: If the number of shares is not the number of clusters.
    """
    require_one_each(shares, sizes.shape[1])
    order = sizes.argsort(dim=1, descending=True)
    return torch.empty_like(sizes).scatter_(1, order, sizes.new_tensor(shares).expand_as(sizes))


def require_one_each(shares: tuple[float, ...], clusters: int) -> None:
    """Raise LatentclustError if the number of shares is not the number of clusters."""
    if len(shares) != clusters:
        what = f"has {len(shares)} shares for {clusters} clusters"
        raise LatentclustError.at("losses (shares)", what, "Give one share for each cluster")


class ClusterSizes(Spec):
    """The options about cluster sizes that are common to the losses of invariant information.

    The mutual information of two clusters is `H(c) - H(c | c')`. Its first term is largest for clusters of equal size,
    and `H(c) = log K - KL(p(c) || uniform)`. The losses weigh that divergence by `2 entropy_coefficient - 1`, and
    `shares` replaces the uniform distribution.
    """

    entropy_coefficient: Annotated[float, Field(gt=0.5)] = 1.0
    """Weight of both marginal entropies, lambda in the paper. Values above 1 favour clusters of equal size, and values
    below 1 allow others. With 0.5 or less a single cluster would be best."""

    shares: Shares | None = None
    """Expected shares of the clusters in all samples, in any order. The largest cluster should have the largest share,
    and so on. Defaults to equal shares."""

    def reward(self, marginal: Float[Tensor, "h k *t"], log_marginal: Float[Tensor, "h k *t"]) -> Float[Tensor, "h *t"]:
        """Return what the sizes of clusters add to the information, in nats: `2 lambda H(c)` for equal shares.

        With shares q it is `H(c) - (2 lambda - 1) KL(p(c) || q)`, which differs from that by a constant for equal ones.

        Raises:
            LatentclustError: If the number of shares is not the number of clusters.
        """
        entropy = -(marginal * log_marginal).sum(dim=1)
        if self.shares is None:
            return 2 * self.entropy_coefficient * entropy
        require_one_each(self.shares, marginal.shape[1])
        ordered = marginal.sort(dim=1, descending=True).values
        log_shares = marginal.new_tensor(self.shares).log().view(1, -1, *[1] * (marginal.ndim - 2))
        divergence = -entropy - (ordered * log_shares).sum(dim=1)
        return entropy - (2 * self.entropy_coefficient - 1) * divergence

    def chance(self, clusters: int) -> float | None:
        """Return the loss of clusters of the expected shares that do not depend on the image.

        It is 0 with coefficient 1 and equal shares.
        """
        if self.shares is None:
            return 2 * (1 - self.entropy_coefficient) * math.log(clusters)
        return -sum(share * math.log(share) for share in self.shares)
