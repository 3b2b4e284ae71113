"""Values that DEC computes from all samples: the initial centroids and the target distribution."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NewType, final

import torch
from latentclust.api import Code, Images, LatentclustError, Model, StartSpec, TableSpec
from pydantic import PositiveInt
from torch import Tensor

from latentclust_dec.assignment import target_distribution

Target = NewType("Target", Tensor)
"""Rows of the target distribution for a batch, float32 `(b, k)`. They sum to one."""

CENTROIDS = "head.centroids"
"""Name of the centroids in the state of a `student-t` encoder."""

LARGEST_SEED = 2**31 - 1


@final
class TargetDistribution(TableSpec):
    """Target distribution of DEC, Eq. 3: squared soft assignments, divided by the cluster sizes in the data set."""

    provides: ClassVar[Any] = Target

    network: str = "encoder"
    """Name of the encoder in the recipe."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Name of the encoder."""
        return (self.network,)

    def compute(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Tensor:
        """Return the target distribution `(n, k)`, or per pixel, without randomness.

        Raises:
            LatentclustError: If the network is not an encoder.
        """
        return target_distribution(torch.cat([_code(model, self.network, images).probabilities for images in batches]))


@final
class KMeansCentroids(StartSpec):
    """Centroids of a `student-t` encoder from k-means on the embeddings of all samples (DEC, section 3.2)."""

    network: str = "encoder"
    """Name of the encoder in the recipe."""

    n_init: PositiveInt = 20
    """Number of k-means initializations. The result with the lowest inertia is used (DEC, section 4.3)."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Name of the encoder."""
        return (self.network,)

    def weights(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Mapping[str, Tensor]:
        """Compute the centroids `(k, d)`.

        Raises:
            LatentclustError: If the encoder has no centroids.
        """
        from sklearn.cluster import KMeans

        if CENTROIDS not in model.networks[self.network].state_dict():
            raise LatentclustError.at("network", f"{self.network!r} has no centroids", "Use a `student-t` encoder")
        points = torch.cat([_code(model, self.network, images).style.float() for images in batches])
        seed = int(torch.randint(LARGEST_SEED, (), generator=rng, device=rng.device).item())
        found = KMeans(model.prior.clusters, n_init=self.n_init, random_state=seed).fit(points.cpu().numpy())
        return {f"{self.network}.{CENTROIDS}": torch.as_tensor(found.cluster_centers_).float()}


def _code(model: Model, network: str, images: Images) -> Code:
    code = model.networks[network](images)
    if not isinstance(code, Code):
        raise LatentclustError.at("network", f"{network!r} does not return a code", "Use an encoder")
    return code
