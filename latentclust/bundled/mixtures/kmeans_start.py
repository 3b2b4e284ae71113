"""Mixtures that begin with k-means and are fitted to a sample."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from latentclust.api import LatentclustError
from latentclust.bundled.inference.kmeans import fit_centroids
from latentclust.bundled.mixtures.expectation import Maximisation, maximise
from latentclust.bundled.mixtures.mixture import Mixture, chunks


def require_distinct(sample: Float[Tensor, "n d"], components: int, where: str) -> None:
    """Raise LatentclustError, naming a place, if a sample has fewer distinct points than components."""
    distinct = len(np.unique(sample.cpu().numpy(), axis=0))
    if distinct < components:
        what = f"cannot fit {components} components to {distinct} distinct values"
        raise LatentclustError.at(where, what, "Use fewer clusters or components, or more samples")


def fitted_from_kmeans(
    step: Maximisation, sample: Float[Tensor, "n d"], components: int, most: int, tolerance: float, rng: torch.Generator
) -> tuple[Mixture, float]:
    """Return the mixture that expectation maximisation finds from one run of k-means, and its mean log likelihood.

    Args:
        step: The maximisation step.
        sample: Points, with at least as many distinct ones as components.
        components: Number of components.
        most: Largest number of iterations.
        tolerance: Change of the mean log likelihood in nats below which the iterations end.
        rng: Source of randomness of k-means.
    """
    centroids = fit_centroids(sample, components, 1, rng)["centroids"].to(sample)
    label = torch.cat([torch.cdist(part, centroids).argmin(dim=1) for part in chunks(sample)])
    return maximise(step, step.partition(sample, label, components), sample, most, tolerance)
