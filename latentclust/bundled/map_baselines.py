"""K-means of pixels by their colour, by their surroundings or by ImageNet features, to stand beside every label map."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from latentclust.api import Images, LatentclustError, MapBaselineSpec, Mapped, Mask
from latentclust.bundled.baselines import KMeans
from latentclust.bundled.feature_maps import feature_maps
from latentclust.bundled.views.local_statistics import Surroundings

Describe = Callable[[Images], Float[Tensor, "b d h w"]]
"""Images `(b, c, h, w)` to a point for each pixel."""


class KMeansOfPixels(MapBaselineSpec, ABC):
    """Lloyd's k-means from k-means++ seeds on a sample of pixels; every pixel then goes to the nearest centre.

    Of fewer different points than clusters there are fewer centres.
    """

    n_init: PositiveInt = 10
    """How often k-means starts anew; the start of least inertia is kept."""

    max_iter: PositiveInt = 300
    """Steps of each start, at most."""

    @abstractmethod
    def description(self, channels: int) -> Describe:
        """What pixels of images of so many channels are described by.

        Raises:
            LatentclustError: Something that it needs is not installed.
        """

    def fit(self, batches: Iterable[tuple[Images, Mask]], count: int, clusters: int, seed: int) -> Mapped:
        """The clustering by the nearest of the sample's k-means centres.

        Raises:
            LatentclustError: Fewer pixels than clusters count, or `description` cannot be had.
        """
        quota, rng = -(-self.sample // count), np.random.default_rng(seed)
        describe: Describe | None = None
        drawn: list[Tensor] = []
        for images, mask in batches:
            describe = describe or self.description(images.shape[1])
            drawn.extend(_drawn(describe, images, mask, quota, rng))
        if describe is None or sum(map(len, drawn)) < clusters:
            what = f"{sum(map(len, drawn))} pixels that count for {clusters} clusters"
            raise LatentclustError.at("evaluate.baselines", what, "Check the set's masks, or take the baseline out")
        points = torch.cat(drawn)
        found = KMeans(n_init=self.n_init, max_iter=self.max_iter).cluster(points.numpy(), clusters, seed)
        centres = torch.stack([points[torch.from_numpy(found == cluster)].mean(dim=0) for cluster in np.unique(found)])
        return NearestCentre(describe, centres)


@final
class NearestCentre:
    """Each pixel to the centre that is nearest to its point."""

    def __init__(self, describe: Describe, centres: Float32[Tensor, "k d"]) -> None:
        """Centres among the points that `describe` gives."""
        self._describe, self._centres = describe, centres

    def __call__(self, images: Images) -> Int64[Tensor, "b h w"]:
        """Clusters of images `(b, c, h, w)`, read one by one, for points may take far more memory than pixels."""
        return torch.cat([self._nearest(Images(image[None])) for image in images])

    def _nearest(self, image: Images) -> Int64[Tensor, "1 h w"]:
        points, centres = self._describe(image), self._centres.to(image.device)
        # |x - c|² but for |x|², which is the same for every centre.
        distance = centres.square().sum(dim=1)[:, None, None] - 2 * torch.einsum("kd,bdhw->bkhw", centres, points)
        return distance.argmin(dim=1)


@final
class PixelKMeans(KMeansOfPixels):
    """K-means of pixels by their channels alone."""

    def description(self, channels: int) -> Describe:
        """The channels themselves."""
        return _channels


@final
class LocalStatisticsKMeans(Surroundings, KMeansOfPixels):
    """K-means of pixels by the mean and the deviation of each channel about them."""

    def description(self, channels: int) -> Describe:
        """Means, then deviations."""
        return self.statistics


@final
class FeaturesKMeans(KMeansOfPixels):
    """K-means of pixels by frozen ImageNet features of EfficientNet-lite0; needs the extra latentclust[pretrained]."""

    zoom: PositiveFloat = 2.0
    """How much images are enlarged first, which makes the maps of strides 4, 8 and 16 finer."""

    def description(self, channels: int) -> Describe:
        """Three maps, upsampled bilinearly."""
        return feature_maps(channels, self.zoom)


def _channels(images: Images) -> Float[Tensor, "b d h w"]:
    return images


def _drawn(
    describe: Describe, images: Images, mask: Mask, quota: int, rng: np.random.Generator
) -> Iterator[Float32[Tensor, "n d"]]:
    """Points of `quota` pixels that count of each image, or of all where it has fewer, on the CPU."""
    for image, counted in zip(images, mask, strict=True):
        inside = np.flatnonzero(counted.cpu().numpy())
        chosen = torch.from_numpy(rng.choice(inside, min(quota, len(inside)), replace=False))
        if len(chosen):
            points = describe(Images(image[None]))[0].flatten(1)
            yield points[:, chosen.to(points.device)].T.float().cpu()
