"""A start of a stage: centroids by k-means of all samples (Xie et al. 2016, section 3.2)."""

from collections.abc import Iterable, Mapping
from typing import final

import torch
from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor
from torch.nn import functional

from latentclust.api import Images, LatentclustError, Model, StartSpec
from latentclust.bundled.backbones.centroids import Points
from latentclust.bundled.inference.kmeans import fit_centroids

POINTS = "body.points"
"""Name of the points in the state of a network with the backbone `centroids`."""

POSITIONS_PER_IMAGE = 64
"""Number of positions that are drawn from each map."""


@final
class KMeansStart(StartSpec):
    """The points of the backbone `centroids`, by k-means of what they read of all samples.

    If the points are compared by cosine, vectors are divided by their length first (spherical k-means). Of a map, 64
    positions are drawn.

    Example:
        ```toml
        [stages.clustering]
        rounds = 1000
        start = { use = "kmeans", n_init = 20 }
        ```
    """

    network: str = "centroids"
    """Name of the centroids."""

    n_init: PositiveInt = 10
    """Number of initialisations of k-means. The one with the lowest inertia is kept."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Name of the centroids."""
        return (self.network,)

    def weights(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Mapping[str, Tensor]:
        """Return the points `(k, width)`.

        Raises:
            LatentclustError: If the network has no points, they have another width than what it reads, or there are
                fewer samples than clusters.
        """
        body = getattr(model.networks[self.network], "body", None)
        if not isinstance(body, Points):
            fix = 'Name a network with use = "centroids", or another start'
            raise LatentclustError.at("network", f"{self.network!r} has no points", fix)
        vectors = torch.cat([_vectors(model.input_of(self.network, images), rng) for images in batches])
        if vectors.shape[1] != body.points.shape[1]:
            what = f"{self.network!r} has points of {body.points.shape[1]} values, and reads {vectors.shape[1]}"
            raise LatentclustError.at("network", what, "Set features_of of the network")
        if body.similarity == "cosine":
            vectors = functional.normalize(vectors, dim=1)
        centroids = fit_centroids(vectors, len(body.points), self.n_init, rng)["centroids"]
        return {f"{self.network}.{POINTS}": centroids}


def _vectors(features: Tensor, rng: torch.Generator) -> Float[Tensor, "n d"]:
    """Return features `(b, d)` as they are, and positions drawn from each map `(b, d, h, w)`."""
    if features.dim() == 2:
        return features.float()
    places = features.float().flatten(2).mT  # (b, h w, d)
    drawn = torch.randint(places.shape[1], (len(places), POSITIONS_PER_IMAGE, 1), generator=rng, device=rng.device)
    return places.gather(1, drawn.expand(-1, -1, places.shape[2])).flatten(0, 1)
