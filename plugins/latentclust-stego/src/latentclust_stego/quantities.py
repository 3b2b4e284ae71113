"""What a step of STEGO computes: features, codes, and both at points drawn anew (Hamilton et al., ICLR 2022)."""

from typing import NewType

import torch
from jaxtyping import Float
from latentclust.api import Centroids, Features, Images, LatentclustError, Similarities, Trunk
from torch import Tensor
from torch.nn import functional

from latentclust_stego.correspondence import Sampled

SIDE = 11
"""As many points, squared, are drawn of each image; the paper's feature samples."""

OTHERS = 5
"""Random other images that each is compared with; the paper's negative samples."""

Points = NewType("Points", Tensor)
"""Places in each image, `(b, n, 2)`, in `grid_sample`'s coordinates: x and y from -1 to 1, edge to edge."""

Derangements = NewType("Derangements", Tensor)
"""Permutations of the batch that leave nothing in its place, `(r, b)` int64."""


def code_map(segmenter: Trunk, features_of_real: Features) -> Features:
    """S(N(x))."""
    return segmenter(features_of_real)


def features_of_neighbour(trunk: Trunk, neighbour_images: Images) -> Features:
    """N(x') of one of each image's nearest neighbours."""
    return trunk(neighbour_images)


def code_map_of_neighbour(segmenter: Trunk, features_of_neighbour: Features) -> Features:
    """S(N(x'))."""
    return segmenter(features_of_neighbour)


def points(batch_size: int, rng: torch.Generator) -> Points:
    """Uniform points of each image."""
    return Points(torch.rand(batch_size, SIDE * SIDE, 2, generator=rng, device=rng.device) * 2 - 1)


def other_points(batch_size: int, rng: torch.Generator) -> Points:
    """Uniform points of the image that each is compared with."""
    return points(batch_size, rng)


def derangements(batch_size: int, rng: torch.Generator) -> Derangements:
    """Which random others each image is compared with: cyclic permutations, uniformly drawn.

    Raises:
        LatentclustError: The batch has no other image.
    """
    if batch_size < 2:
        what = f"{batch_size}, and each image is compared with another of its batch"
        raise LatentclustError.at("train.batch_size", what, "Use at least 2")
    circle = torch.rand(OTHERS, batch_size, generator=rng, device=rng.device).argsort(dim=1)
    return Derangements(torch.empty_like(circle).scatter_(1, circle, circle.roll(-1, dims=1)))


def sampled(features_of_real: Features, code_map: Features, points: Points) -> Sampled:
    """Features and codes of the images."""
    return Sampled(at(features_of_real, points), at(code_map, points))


def sampled_neighbour(
    features_of_neighbour: Features, code_map_of_neighbour: Features, other_points: Points
) -> Sampled:
    """Features and codes of a nearest neighbour of each image."""
    return Sampled(at(features_of_neighbour, other_points), at(code_map_of_neighbour, other_points))


def sampled_others(
    features_of_real: Features, code_map: Features, other_points: Points, derangements: Derangements
) -> Sampled:
    """Features and codes of random other images, `(r b, n, ·)`."""
    chosen = derangements.flatten()
    return Sampled(at(features_of_real, other_points)[chosen], at(code_map, other_points)[chosen])


def similarities(centroids: Centroids, code_map: Features) -> Similarities:
    """Of each place's code with each centroid; the codes learn nothing from it."""
    return centroids(Features(code_map.detach()))


def at(maps: Features, points: Points) -> Float[Tensor, "b n c"]:
    """Maps `(b, c, h, w)`, interpolated bilinearly at points; the outermost places reach to the edge.

    Raises:
        LatentclustError: They are features of whole images.
    """
    if maps.dim() != 4:
        what = f"features of shape {tuple(maps.shape[1:])} are no map, and points are drawn in maps"
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
"""Every quantity of the plugin, by name."""
