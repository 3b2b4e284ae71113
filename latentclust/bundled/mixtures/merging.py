"""Merging of the components of a mixture to fewer clusters, without labels."""

from collections.abc import Callable
from itertools import combinations
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from latentclust.bundled.mixtures.mixture import LEAST_WEIGHT, Mixture

Linkage = Literal["ward", "overlap"]
"""Criterion by which two groups of components are merged."""

Cost = Callable[[list[list[int]], int, int], float]
"""A function of all groups and the positions of two of them, which is least for those that are merged."""


def merged(
    linkage: Linkage, mixture: Mixture, responsibilities: Float[Tensor, "n m"], clusters: int
) -> Int64[Tensor, " m"]:
    """Return the cluster of each component, after merging two groups of components at a time.

    Args:
        linkage: `ward` merges the groups whose union increases the sum of squared distances to the group means least,
            by the distance that the mean covariance of the components defines (Ward 1963). `overlap` merges those of
            which a point of one is most probably assigned to the other (Hennig 2010, directly estimated).
        mixture: The mixture.
        responsibilities: Posteriors of the components for a sample of points.
        clusters: Number of clusters.
    """
    costs: dict[Linkage, Callable[[], Cost]] = {
        "ward": lambda: _ward(mixture),
        "overlap": lambda: _overlap(responsibilities),
    }
    cost = costs[linkage]()
    groups = [[component] for component in range(len(mixture.means))]
    while len(groups) > clusters:
        pairs = combinations(range(len(groups)), 2)
        one, other = min(pairs, key=lambda pair: cost(groups, *pair))
        groups[one] = groups[one] + groups.pop(other)
    found = torch.empty(len(mixture.means), dtype=torch.int64, device=mixture.means.device)
    for cluster, group in enumerate(groups):
        found[group] = cluster
    return found


def of_clusters(log_joint: Float[Tensor, "n m"], cluster: Int64[Tensor, " m"], clusters: int) -> Float[Tensor, "n k"]:
    """Return the log densities of clusters, each the sum of its components."""
    return torch.stack([log_joint[:, cluster == each].logsumexp(dim=1) for each in range(clusters)], dim=1)


def _ward(mixture: Mixture) -> Cost:
    weights = mixture.weights.clamp_min(LEAST_WEIGHT)
    covariances = mixture.covariances.expand(len(weights), -1, -1)
    pooled = (weights[:, None, None] * covariances).sum(dim=0) / weights.sum()
    whitened = torch.linalg.solve_triangular(torch.linalg.cholesky(pooled), mixture.means.mT, upper=False).mT

    def cost(groups: list[list[int]], one: int, other: int) -> float:
        sizes, centres = [], []
        for group in (groups[one], groups[other]):
            sizes.append(weights[group].sum())
            centres.append((weights[group, None] * whitened[group]).sum(dim=0) / sizes[-1])
        distance = (centres[0] - centres[1]).square().sum()
        return float(sizes[0] * sizes[1] / (sizes[0] + sizes[1]) * distance)

    return cost


def _overlap(responsibilities: Float[Tensor, "n m"]) -> Cost:
    def cost(groups: list[list[int]], one: int, other: int) -> float:
        posteriors = torch.stack([responsibilities[:, group].sum(dim=1) for group in groups], dim=1)
        assigned, mass = posteriors.argmax(dim=1), posteriors.sum(dim=0).clamp_min(LEAST_WEIGHT)
        strayed = [float(posteriors[assigned == to, of].sum() / mass[of]) for of, to in ((one, other), (other, one))]
        return -max(strayed)

    return cost
