"""A start of linear heads: the clusters of a Gaussian mixture (Dempster, Laird and Rubin 1977) or of k-means."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from itertools import chain
from typing import Annotated, Literal, final

import torch
from jaxtyping import Float
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn
from torch.nn import functional

from latentclust.api import Images, LatentclustError, Model, Represents, Shape, StartSpec
from latentclust.bundled.best_head_start import LAYER
from latentclust.bundled.inference.kmeans import centroid_probabilities, fit_centroids
from latentclust.bundled.mixtures.expectation import Form, Maximisation
from latentclust.bundled.mixtures.kmeans_start import fitted_from_kmeans, require_distinct
from latentclust.bundled.mixtures.mixture import chunks
from latentclust.bundled.spectral_heads import calibrated
from latentclust.bundled.thinning import thinned

PIXELS = 2**21
"""Largest number of pixels of the images that the heads of label maps are fitted to, evenly spread."""

CROP = 64
"""Largest side in pixels of the part of each image that is read, at a random place, so that all images contribute."""

SAMPLE = 20_000
"""Largest number of points that a mixture is fitted to, and that the regression reads."""

FLOOR, TOLERANCE = 1e-3, 1e-4
"""Options of the mixture, as those of the inference `gaussian-mixture`."""

N_INIT = 10
"""Number of initialisations of k-means, as in the baselines."""

RIDGE, STEPS = 1e-4, 100
"""Ridge of the logistic regression of standardised values, and the number of iterations of its optimizer."""


@final
class MixtureHeads(StartSpec):
    """Linear sub-heads whose softmax predicts the posterior of a Gaussian mixture of the preprocessed pixels.

    Each sub-head has a mixture of its own with as many components as clusters, from another start of k-means. Logistic
    regression predicts its posteriors from what the head's layer reads, with the initial weights of all layers before.
    Batch norms get the statistics of the images. Losses of invariant information then begin near a clustering that
    separates values, and not at one of many that are equally informative. Under a prior of whole samples the mixture is
    that of the samples.

    Example:
        ```toml
        [stages.clustering]
        rounds = 250
        start = { use = "mixture-heads", networks = ["heads", "overclustering"] }
        ```
    """

    networks: Annotated[tuple[str, ...], Field(min_length=1)] = ("heads",)
    """Names of the heads. They must read images, or the features of a network that reads images."""

    covariance: Form = "tied"
    """Covariances of the mixture, as for the inference `gaussian-mixture`. Not with `clusters_by = "kmeans"`."""

    clusters_by: Literal["mixture", "kmeans"] = "mixture"
    """Clustering that the heads predict: a mixture, or k-means, the best of 10 runs, as a mixture whose components have
    the same size and the same variance in all directions. K-means is steadier where channels are many."""

    max_iter: PositiveInt = Field(default=200, examples=[2])
    """Largest number of iterations of the mixture. Not with `clusters_by = "kmeans"`."""

    @model_validator(mode="after")
    def _options_are_read(self) -> "MixtureHeads":
        unread = sorted(self.model_fields_set & {"covariance", "max_iter"})
        if self.clusters_by == "kmeans" and unread:
            raise ValueError(f'{" and ".join(unread)}: read with clusters_by = "mixture" only')
        return self

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the heads."""
        return self.networks

    def weights(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> Mapping[str, Tensor]:
        """Return weight and bias of the sub-heads, and the statistics of the batch norms.

        Raises:
            LatentclustError: If a network has no linear sub-heads, or there are fewer distinct values than clusters.
        """
        images = _spread(batches, model.prior.per_pixel, rng)
        size = (len(images), *(images.shape[2:] if model.prior.per_pixel else ()))
        points = images.movedim(1, -1).flatten(0, -2) if model.prior.per_pixel else images.flatten(1)
        found: dict[str, Tensor] = {}
        for name in self.networks:
            read, statistics = _read(model, name, Images(images))
            own = self._heads(name, model.networks[name], read, (points, size), rng)
            found |= statistics | {f"{name}.{key}": value for key, value in own.items()}
        return found

    def _heads(
        self, name: str, trained: nn.Module, read: Tensor, values: tuple[Tensor, Shape], rng: torch.Generator
    ) -> dict[str, Tensor]:
        """Return the weights of the sub-heads of a network, with the statistics of its batch norms."""
        network = deepcopy(trained)
        if not set(LAYER) <= network.state_dict().keys():
            what = f"{name!r} has no linear sub-heads"
            raise LatentclustError.at("mixture-heads.networks", what, "Name networks of the role heads")
        statistics = calibrated(network, read)
        assert isinstance(network, Represents), "heads represent what they read"
        maps = network.represent(read)
        heads, clusters = network(read[:1]).shape[1:3]
        layers = [_regressed(maps, self._posterior(*values, clusters, rng)) for _ in range(heads)]
        shape = network.state_dict()[LAYER[0]].shape
        weight, bias = (torch.cat(parts) for parts in zip(*layers, strict=True))
        return {LAYER[0]: weight.view(shape), LAYER[1]: bias, **statistics}

    def _posterior(
        self, points: Float[Tensor, "n d"], size: Shape, clusters: int, rng: torch.Generator
    ) -> Float[Tensor, "b k *s"]:
        """Return the posterior of a mixture for each of the `size` images or pixels."""
        sample = points[torch.randperm(len(points), generator=rng, device=rng.device)[:SAMPLE]]
        require_distinct(sample, clusters, "prior.clusters")
        if self.clusters_by == "kmeans":
            state = fit_centroids(sample, clusters, N_INIT, rng)
            found = torch.cat([centroid_probabilities(part, state) for part in chunks(points)])
            return found.view(*size, clusters).movedim(-1, 1)
        step = Maximisation.of_sample(self.covariance, 0.0, FLOOR, sample)
        mixture, _ = fitted_from_kmeans(step, sample, clusters, self.max_iter, TOLERANCE, rng)
        return mixture.posteriors(points, torch.float32).view(*size, clusters).movedim(-1, 1)


def _spread(batches: Iterable[Images], per_pixel: bool, rng: torch.Generator) -> Tensor:
    """Return evenly spread images, or parts of them if they have label maps."""
    if not per_pixel:
        (images,) = thinned(((batch,) for batch in batches), SAMPLE)
        return images
    each = (_cropped(batch, rng) for batch in batches)
    first = next(each)
    (images,) = thinned(((batch,) for batch in chain((first,), each)), max(1, PIXELS // first[0, 0].numel()))
    return images


def _cropped(images: Images, rng: torch.Generator) -> Tensor:
    """Return a part of each image, at the same random place in all images of the batch."""
    for axis in (2, 3):
        spare = images.shape[axis] - CROP
        if spare > 0:
            start = int(torch.randint(spare + 1, (), generator=rng, device=rng.device))
            images = Images(images.narrow(axis, start, CROP))
    return images


def _read(model: Model, name: str, images: Images) -> tuple[Tensor, dict[str, Tensor]]:
    """Return what heads read, and the statistics of the batch norms of the network whose features they read."""
    source = model.features_of.get(name)
    if source is None:
        return images, {}
    network = deepcopy(model.networks[source])
    statistics = calibrated(network, images)
    found = network(images)
    if not isinstance(found, Tensor):
        what = f"{source!r} is not a trunk"
        raise LatentclustError.at("mixture-heads.networks", what, "Name heads that read images or a trunk's features")
    return found, {f"{source}.{key}": value for key, value in statistics.items()}


def _regressed(
    maps: Float[Tensor, "b d *s"], posterior: Float[Tensor, "b k *t"]
) -> tuple[Float[Tensor, "k d"], Float[Tensor, " k"]]:
    """Return weight and bias of the logistic regression of posteriors, averaged over the cells of coarser maps."""
    if posterior.shape[2:] != maps.shape[2:]:
        posterior = functional.adaptive_avg_pool2d(posterior, (maps.shape[2], maps.shape[3]))
    read, target = (each.movedim(1, -1).flatten(0, -2) for each in (maps, posterior))
    read, target = thinned([(read, target)], SAMPLE)
    mean, deviation = read.mean(dim=0), read.std(dim=0).clamp_min(1e-6)
    rows = (read - mean) / deviation
    weight = rows.new_zeros(target.shape[1], rows.shape[1], requires_grad=True)
    bias = target.mean(dim=0).clamp_min(1e-6).log().requires_grad_()
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        found = functional.cross_entropy(functional.linear(rows, weight, bias), target) + RIDGE * weight.square().sum()
        found.backward()  # type: ignore[no-untyped-call]
        return found

    with torch.enable_grad():
        optimizer.step(loss)  # type: ignore[no-untyped-call]
    scaled = weight.detach() / deviation
    return scaled, bias.detach() - scaled @ mean
