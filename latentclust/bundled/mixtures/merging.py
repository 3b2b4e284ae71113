"""Merging of the components of a mixture to fewer clusters, without labels."""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor
from torch.nn import functional

from latentclust.bundled.mixtures.mixture import LEAST_WEIGHT, Mixture

Linkage = Literal["ward", "overlap"]
"""Criterion by which two groups of components are merged."""

Costs = Callable[[Float64[Tensor, "m g"]], Float64[Tensor, "g g"]]
"""A function from the membership of components in groups to costs, least for the two groups that are merged."""


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
    costs = _ward(mixture) if linkage == "ward" else _overlap(responsibilities)
    member = torch.eye(len(mixture.means), dtype=torch.float64, device=mixture.means.device)
    while member.shape[1] > clusters:
        found = costs(member)
        position = int(found.masked_fill(torch.ones_like(found).tril().bool(), torch.inf).argmin())
        one, other = divmod(position, member.shape[1])
        member[:, one] += member[:, other]
        member = torch.cat((member[:, :other], member[:, other + 1 :]), dim=1)
    return member.argmax(dim=1)


def of_clusters(log_joint: Float[Tensor, "n m"], cluster: Int64[Tensor, " m"], clusters: int) -> Float[Tensor, "n k"]:
    """Return the log densities of clusters, each the sum of its components."""
    return torch.stack([log_joint[:, cluster == each].logsumexp(dim=1) for each in range(clusters)], dim=1)


def _ward(mixture: Mixture) -> Costs:
    weights = mixture.weights.clamp_min(LEAST_WEIGHT).double()
    covariances = mixture.covariances.expand(len(weights), -1, -1).double()
    pooled = (weights[:, None, None] * covariances).sum(dim=0) / weights.sum()
    whitened = torch.linalg.solve_triangular(torch.linalg.cholesky(pooled), mixture.means.double().mT, upper=False).mT

    def costs(member: Float64[Tensor, "m g"]) -> Float64[Tensor, "g g"]:
        size = weights @ member
        centre = (member.T @ (weights[:, None] * whitened)) / size[:, None]
        distance = (centre[:, None] - centre).square().sum(dim=2)
        increase: Float64[Tensor, "g g"] = size[:, None] * size / (size[:, None] + size) * distance
        return increase

    return costs


def _overlap(responsibilities: Float[Tensor, "n m"]) -> Costs:
    def costs(member: Float64[Tensor, "m g"]) -> Float64[Tensor, "g g"]:
        posteriors = responsibilities.double() @ member
        assigned = functional.one_hot(posteriors.argmax(dim=1), member.shape[1]).double()
        strayed = (posteriors.T @ assigned) / posteriors.sum(dim=0).clamp_min(LEAST_WEIGHT)[:, None]
        return -torch.maximum(strayed, strayed.T)

    return costs
