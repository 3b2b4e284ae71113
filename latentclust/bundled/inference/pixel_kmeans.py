"""k-means on single pixels, fitted to a draw of them: what chains of label maps may begin with."""

from collections.abc import Callable, Iterable

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from latentclust.api import Images
from latentclust.bundled.inference.kmeans import fit_centroids

PER_IMAGE = 64
"""Pixels drawn of each image."""

STARTS = 3
"""Times that k-means begins anew; the start of least inertia is kept."""

MOST = 30_000
"""Pixels that k-means is fitted to."""


def pixel_centroids(
    batches: Iterable[Images], clusters: int, rng: torch.Generator
) -> Callable[[Images], Int64[Tensor, "b h w"]]:
    """The nearest of the centroids of pixels `(c,)`, as a function of images `(b, c, h, w)`.

    Raises:
        LatentclustError: There are fewer pixels than clusters.
    """
    drawn = torch.cat([_draw(images, rng) for images in batches])
    chosen = torch.randperm(len(drawn), generator=rng, device=rng.device)[:MOST]
    centroids = fit_centroids(drawn[chosen], clusters, STARTS, rng)["centroids"].to(rng.device)

    def nearest(images: Images) -> Int64[Tensor, "b h w"]:
        distances = (images.unsqueeze(1) - centroids[:, :, None, None]).square().sum(dim=2)
        return distances.argmin(dim=1)

    return nearest


def _draw(images: Images, rng: torch.Generator) -> Float[Tensor, "n c"]:
    pixels = images.flatten(2).transpose(1, 2)  # (b, h w, c)
    place = torch.randint(pixels.shape[1], (len(images), PER_IMAGE, 1), generator=rng, device=rng.device)
    return pixels.gather(1, place.expand(-1, -1, pixels.shape[2])).flatten(0, 1)
