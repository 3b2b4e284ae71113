"""What DEC computes from all samples: the first centroids, and the target distribution."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NewType, final

import torch
from latentclust.api import Code, Images, LatentclustError, Model, StartSpec, TableSpec
from pydantic import PositiveInt
from torch import Tensor

from latentclust_dec.assignment import target_distribution

Target = NewType("Target", Tensor)
"""The rows of the target distribution for a batch, `(b, k)`, float32; they sum to one."""

CENTROIDS = "head.centroids"
"""Where a `student-t` encoder keeps them."""

LARGEST_SEED = 2**31 - 1


@final
class TargetDistribution(TableSpec):
    """DEC's target distribution, Eq. 3: squared soft assignments, divided by the clusters' sizes in the whole set."""

    provides: ClassVar[Any] = Target

    network: str = "encoder"
    """The encoder by its name in the recipe."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The encoder."""
        return (self.network,)

    def compute(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Tensor:
        """p, `(n, k)`, or of every pixel; nothing is drawn.

        Raises:
            LatentclustError: The network is no encoder.
        """
        return target_distribution(torch.cat([_code(model, self.network, images).probabilities for images in batches]))


@final
class KMeansCentroids(StartSpec):
    """k-means on the embedding of all samples, for the centroids of a `student-t` encoder (DEC, section 3.2)."""

    network: str = "encoder"
    """The encoder by its name in the recipe."""

    n_init: PositiveInt = 20
    """How often k-means starts anew; the start of least inertia is kept (DEC, section 4.3)."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The encoder."""
        return (self.network,)

    def weights(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Mapping[str, Tensor]:
        """The centroids, `(k, d)`.

        Raises:
            LatentclustError: The encoder has no centroids.
        """
        from sklearn.cluster import KMeans

        if CENTROIDS not in model.networks[self.network].state_dict():
            raise LatentclustError.at("network", f"{self.network!r} has no centroids", "Name a `student-t` encoder")
        points = torch.cat([_code(model, self.network, images).style.float() for images in batches])
        seed = int(torch.randint(LARGEST_SEED, (), generator=rng, device=rng.device).item())
        found = KMeans(model.prior.clusters, n_init=self.n_init, random_state=seed).fit(points.cpu().numpy())
        return {f"{self.network}.{CENTROIDS}": torch.as_tensor(found.cluster_centers_).float()}


def _code(model: Model, network: str, images: Images) -> Code:
    code = model.networks[network](images)
    if not isinstance(code, Code):
        raise LatentclustError.at("network", f"{network!r} does not return a code", "Name an encoder")
    return code
