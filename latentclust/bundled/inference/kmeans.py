"""k-means on codes, features or pixels: ClusterGAN 2019, section 4.2 ("Disc. phi"), and its authors' code."""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, final

import torch
from jaxtyping import Float, Int64
from pydantic import PositiveInt
from torch import Tensor

from latentclust.api import Code, Images, InferenceSpec, LatentclustError, Model, Posterior, PriorSpec
from latentclust.bundled.inference.amortized import read_code
from latentclust.bundled.thinning import thinned

SMALLEST_VARIANCE = 1e-12
"""Floor of the within-cluster variance, so that points at their centroids have finite log probabilities."""

LARGEST_SEED = 2**31 - 1

PIXELS_PER_IMAGE = 4096
"""Number of pixels drawn from each image for `fit_pixel_kmeans`, so that a few images suffice."""

MAX_PIXELS = 30_000
"""Largest number of pixels that `fit_pixel_kmeans` uses, evenly spread over the images."""

PIXELS_AT_ONCE = 2**17
"""Largest number of pixels of several images that are assigned to centroids together, which bounds memory."""

PIXEL_N_INIT = 10
"""Number of initialisations of k-means in `fit_pixel_kmeans`."""


def fit_centroids(points: Float[Tensor, "n d"], clusters: int, n_init: int, rng: torch.Generator) -> dict[str, Tensor]:
    """Fit k-means. Return `centroids` `(k, d)` and `variance` `()`, the mean within-cluster variance per dimension.

    Raises:
        LatentclustError: If there are fewer points than clusters.
    """
    from sklearn.cluster import KMeans

    if len(points) < clusters:
        raise LatentclustError.at(
            "prior.clusters",
            f"cannot fit {clusters} clusters to {len(points)} samples",
            "Use fewer clusters or more samples",
        )
    seed = int(torch.randint(LARGEST_SEED, (), generator=rng, device=rng.device).item())
    found = KMeans(clusters, n_init=n_init, random_state=seed).fit(points.detach().float().cpu().numpy())
    variance = max(found.inertia_ / points.numel(), SMALLEST_VARIANCE)
    return {
        "centroids": torch.as_tensor(found.cluster_centers_, dtype=torch.float32),
        "variance": torch.tensor(variance, dtype=torch.float32),
    }


def centroid_probabilities(points: Float[Tensor, "b d"], state: Mapping[str, Tensor]) -> Float[Tensor, "b k"]:
    """Return the responsibilities of equally likely Gaussians with common variance v: softmax of `-|x - c|^2 / 2v`.

    The most probable cluster is that of the nearest centroid, as in k-means.
    """
    centroids, variance = state["centroids"].to(points.device), state["variance"].to(points.device)
    if torch.compiler.is_compiling():  # a recorded graph: ONNX has no cdist
        squared = (points.float()[:, None] - centroids).square().sum(dim=2)
    else:
        squared = torch.cdist(points.float(), centroids, compute_mode="donot_use_mm_for_euclid_dist").square()
    return (-squared / (2 * variance)).softmax(dim=1)


@final
class KMeansOnCode(InferenceSpec):
    """k-means on the encoder's output, cluster probabilities and style: the labels that ClusterGAN published.

    DCCS (Table 4) also clusters each part of the code alone. If no loss trains the style, use the category.

    Example:
        ```toml
        [inference]
        use = "kmeans-on-code"
        n_init = 20
        part = "category"
        ```
    """

    network: str = "encoder"
    """Name of the encoder."""

    n_init: PositiveInt = 10
    """Number of initialisations of k-means. The one with the lowest inertia is kept."""

    part: Literal["all", "category", "style"] = "all"
    """Columns of the code: the cluster probabilities, the style, or both."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Name of the encoder."""
        return (self.network,)

    def objection(self, prior: PriorSpec) -> str | None:
        """Return why the style cannot be clustered alone: the prior has none."""
        return 'part is "style", and style_dim is 0' if self.part == "style" and not prior.style_dim else None

    def clusters_style_of(self, prior: PriorSpec) -> str | None:
        """Return the name of the encoder unless only its category is read."""
        return self.network if self.part != "category" and prior.style_dim else None

    def fit(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        """Return the centroids of the codes of the training images; for `all`, with the columns of `Code.vector`."""
        points = torch.cat([self._points(read_code(model, self.network, images)) for images in batches])
        return fit_centroids(points, model.prior.clusters, self.n_init, rng)

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """Return the responsibilities of the centroids and the encoder's style. `rng` is not used."""
        code = read_code(model, self.network, images)
        return Posterior(probabilities=centroid_probabilities(self._points(code), state), style=code.style.float())

    def _points(self, code: Code) -> Tensor:
        """Return the columns of a code that are clustered."""
        if self.part == "all":
            return code.vector()
        return code.probabilities if self.part == "category" else code.style


@final
class KMeansOnFeatures(InferenceSpec):
    """k-means on the representation of a network, the input of its head. The style is empty.

    Example:
        ```toml
        [inference]
        use = "kmeans-on-features"
        network = "critic"
        ```
    """

    network: str = "critic"
    """Name of an encoder, critic, trunk or heads."""

    n_init: PositiveInt = 10
    """Number of initialisations of k-means. The one with the lowest inertia is kept."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Name of the network."""
        return (self.network,)

    @property
    def represents(self) -> tuple[str, ...]:
        """Name of the network."""
        return (self.network,)

    def fit(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        """Return the centroids of the representations of the training images."""
        points = torch.cat([model.represent(self.network, images) for images in batches])
        return fit_centroids(points, model.prior.clusters, self.n_init, rng)

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """Return the responsibilities of the centroids. `rng` is not used."""
        points = model.represent(self.network, images)
        return Posterior(
            probabilities=centroid_probabilities(points, state), style=points.new_zeros(points.shape[0], 0)
        )


def fit_pixel_kmeans(
    batches: Iterable[Images], clusters: int, rng: torch.Generator
) -> Callable[[Images], Int64[Tensor, "b h w"]]:
    """Fit k-means to random pixels. Return the function from images `(b, c, h, w)` to the nearest centroids.

    Raises:
        LatentclustError: If there are fewer pixels than clusters.
    """
    (drawn,) = thinned(((_draw_pixels(images, rng),) for images in batches), MAX_PIXELS)
    centroids = fit_centroids(drawn, clusters, PIXEL_N_INIT, rng)["centroids"].to(rng.device)

    def nearest(images: Images) -> Int64[Tensor, "b h w"]:
        most = max(1, PIXELS_AT_ONCE // images[0, 0].numel())
        return torch.cat([_nearest(part, centroids) for part in torch.split(images, most)])

    return nearest


def _nearest(images: Tensor, centroids: Float[Tensor, "k c"]) -> Int64[Tensor, "b h w"]:
    distances = (images.unsqueeze(1) - centroids[:, :, None, None]).square().sum(dim=2)
    return distances.argmin(dim=1)


def _draw_pixels(images: Images, rng: torch.Generator) -> Float[Tensor, "n c"]:
    pixels = images.flatten(2).transpose(1, 2)  # (b, h w, c)
    most = min(PIXELS_PER_IMAGE, pixels.shape[1])
    place = torch.randint(pixels.shape[1], (len(images), most, 1), generator=rng, device=rng.device)
    return pixels.gather(1, place.expand(-1, -1, pixels.shape[2])).flatten(0, 1)
