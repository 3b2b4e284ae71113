"""k-means on what a network says of images: ClusterGAN 2019, section 4.2 ("Disc. phi"), and its authors' code."""

from collections.abc import Iterable, Mapping
from typing import final

import torch
from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor

from latentclust.api import Images, InferenceSpec, LatentclustError, Model, Posterior, Represents
from latentclust.bundled.inference.amortized import read_code

SMALLEST_VARIANCE = 1e-12
"""Floor of the within-cluster variance: points that sit on their centroids still get finite log probabilities."""

LARGEST_SEED = 2**31 - 1


def fit_centroids(points: Float[Tensor, "n d"], clusters: int, n_init: int, rng: torch.Generator) -> dict[str, Tensor]:
    """k-means as state: `centroids` `(k, d)` and `variance` `()`, the mean within-cluster variance a dimension.

    Raises:
        LatentclustError: There are fewer points than clusters.
    """
    from sklearn.cluster import KMeans

    if len(points) < clusters:
        raise LatentclustError.at(
            "prior.clusters",
            f"{clusters} clusters of {len(points)} images",
            "Ask for fewer clusters or fit on more images",
        )
    seed = int(torch.randint(LARGEST_SEED, (), generator=rng, device=rng.device).item())
    found = KMeans(clusters, n_init=n_init, random_state=seed).fit(points.detach().float().cpu().numpy())
    variance = max(found.inertia_ / points.numel(), SMALLEST_VARIANCE)
    return {
        "centroids": torch.as_tensor(found.cluster_centers_, dtype=torch.float32),
        "variance": torch.tensor(variance, dtype=torch.float32),
    }


def centroid_probabilities(points: Float[Tensor, "b d"], state: Mapping[str, Tensor]) -> Float[Tensor, "b k"]:
    """Responsibilities under equally likely Gaussians of the common variance v: softmax of `-|x - c|^2 / 2v`.

    The most probable cluster is the nearest centroid, which is k-means' own assignment.
    """
    centroids, variance = state["centroids"].to(points.device), state["variance"].to(points.device)
    distances = torch.cdist(points.float(), centroids, compute_mode="donot_use_mm_for_euclid_dist")
    return (-distances.square() / (2 * variance)).softmax(dim=1)


@final
class KMeansOnCode(InferenceSpec):
    """k-means on the encoder's output, probabilities beside style: how ClusterGAN's published labels were made."""

    network: str = "encoder"
    """The name of the encoder that it reads."""

    n_init: PositiveInt = 10
    """How often k-means starts anew; the start of least inertia is kept."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The encoder."""
        return (self.network,)

    def fit(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        """Centroids of the training images' codes, columns as in `Code.vector`."""
        points = torch.cat([read_code(model, self.network, images).vector() for images in batches])
        return fit_centroids(points, model.prior.clusters, self.n_init, rng)

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """Responsibilities of the centroids, and the encoder's style; `rng` is not read."""
        code = read_code(model, self.network, images)
        return Posterior(probabilities=centroid_probabilities(code.vector(), state), style=code.style.float())


@final
class KMeansOnFeatures(InferenceSpec):
    """k-means on a network's representation just before its head; the style has no columns."""

    network: str = "critic"
    """The name of an encoder, critic or trunk."""

    n_init: PositiveInt = 10
    """How often k-means starts anew; the start of least inertia is kept."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The network that represents."""
        return (self.network,)

    def fit(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        """Centroids of the training images' representations."""
        points = torch.cat([self._represent(model, images) for images in batches])
        return fit_centroids(points, model.prior.clusters, self.n_init, rng)

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """Responsibilities of the centroids; `rng` is not read."""
        points = self._represent(model, images)
        return Posterior(probabilities=centroid_probabilities(points, state), style=points.new_zeros(len(points), 0))

    def _represent(self, model: Model, images: Images) -> Tensor:
        network = model.networks[self.network]
        if not isinstance(network, Represents):
            raise LatentclustError.at(
                "inference.network", f"{self.network!r} has no representation", "Name an encoder, a critic or a trunk"
            )
        return network.represent(images).float()
