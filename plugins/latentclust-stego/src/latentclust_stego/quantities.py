"""Quantities of a step of STEGO: features, codes, and both at random points (Hamilton et al., ICLR 2022)."""

from typing import NewType

import torch
from jaxtyping import Float
from latentclust.api import Centroids, Features, Images, LatentclustError, Similarities, Trunk
from torch import Tensor
from torch.nn import functional

from latentclust_stego.correspondence import Sampled

SIDE = 11
"""Square root of the number of random points per image, the feature samples of the paper."""

OTHERS = 5
"""Number of random other images per image, the negative samples of the paper."""

Points = NewType("Points", Tensor)
"""Points in each image, `(b, n, 2)`, in the coordinates of `grid_sample`: x and y from -1 to 1, edge to edge."""

Derangements = NewType("Derangements", Tensor)
"""Permutations of the batch without fixed points, int64 `(r, b)`."""


def code_map(segmenter: Trunk, features_of_real: Features) -> Features:
    """Return S(N(x))."""
    return segmenter(features_of_real)


def features_of_neighbour(trunk: Trunk, neighbour_images: Images) -> Features:
    """Return N(x') for one of the nearest neighbours of each image."""
    return trunk(neighbour_images)


def code_map_of_neighbour(segmenter: Trunk, features_of_neighbour: Features) -> Features:
    """Return S(N(x'))."""
    return segmenter(features_of_neighbour)


def points(batch_size: int, rng: torch.Generator) -> Points:
    """Return uniform random points of each image."""
    return Points(torch.rand(batch_size, SIDE * SIDE, 2, generator=rng, device=rng.device) * 2 - 1)


def other_points(batch_size: int, rng: torch.Generator) -> Points:
    """Return uniform random points of the image that each image is compared with."""
    return points(batch_size, rng)


def derangements(batch_size: int, rng: torch.Generator) -> Derangements:
    """Return the random other images that each image is compared with: uniform cyclic permutations.

    Raises:
        LatentclustError: If the batch has only one image.
    """
    if batch_size < 2:
        what = f"{batch_size}, and each image is compared with another of its batch"
        raise LatentclustError.at("train.batch_size", what, "Use at least 2")
    circle = torch.rand(OTHERS, batch_size, generator=rng, device=rng.device).argsort(dim=1)
    return Derangements(torch.empty_like(circle).scatter_(1, circle, circle.roll(-1, dims=1)))


def sampled(features_of_real: Features, code_map: Features, points: Points) -> Sampled:
    """Return features and codes of the images."""
    return Sampled(at(features_of_real, points), at(code_map, points))


def sampled_neighbour(
    features_of_neighbour: Features, code_map_of_neighbour: Features, other_points: Points
) -> Sampled:
    """Return features and codes of a nearest neighbour of each image."""
    return Sampled(at(features_of_neighbour, other_points), at(code_map_of_neighbour, other_points))


def sampled_others(
    features_of_real: Features, code_map: Features, other_points: Points, derangements: Derangements
) -> Sampled:
    """Return features and codes of random other images, `(r b, n, ·)`."""
    chosen = derangements.flatten()
    return Sampled(at(features_of_real, other_points)[chosen], at(code_map, other_points)[chosen])


def similarities(centroids: Centroids, code_map: Features) -> Similarities:
    """Return the similarities of the code of each position with each centroid, without gradients for the codes."""
    return centroids(Features(code_map.detach()))


def at(maps: Features, points: Points) -> Float[Tensor, "b n c"]:
    """Interpolate maps `(b, c, h, w)` bilinearly at points. The outermost values extend to the edge.

    Raises:
        LatentclustError: If they are features of whole images.
    """
    if maps.dim() != 4:
        what = f"features of shape {tuple(maps.shape[1:])} are not a map, which points are drawn from"
        raise LatentclustError.at("prior.use", what, "Use a prior of label maps")
    found = functional.grid_sample(
        maps.float(), points[:, None].float(), mode="bilinear", padding_mode="border", align_corners=False
    )
    return found[:, :, 0].mT


QUANTITIES = {
    function.__name__: function
    for function in (
        code_map,
        features_of_neighbour,
        code_map_of_neighbour,
        points,
        other_points,
        derangements,
        sampled,
        sampled_neighbour,
        sampled_others,
        similarities,
    )
}
"""All quantities of the plugin, by name."""
