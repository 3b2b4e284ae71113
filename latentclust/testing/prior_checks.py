"""Checks of priors."""

import torch
from torch import Tensor

from latentclust.errors import LatentclustError
from latentclust.specs.parts import MapPriorSpec, PriorSpec
from latentclust.tensors import Latent, Shape
from latentclust.testing.randomness import bitwise_equal, repeats
from latentclust.testing.subject import CheckedPart, CheckFailed, require

DRAWS = 400
"""Number of samples, enough to contain each of three categories."""

TOO_FEW = (1, 0, -3)


def draws_latents_of_its_shape(subject: CheckedPart) -> None:
    """Category and style are finite, float32 and of the declared widths. The grids of label maps match."""
    spec: PriorSpec = subject.build()
    drawn = _drawn(spec, 0)
    require(spec.categories in (0, spec.clusters), f"it has {spec.categories} categories for {spec.clusters} clusters")
    _check(drawn.category, "category", spec.categories, spec.per_pixel)
    _check(drawn.style, "style", spec.style_dim, spec.per_pixel)
    if isinstance(spec, MapPriorSpec):
        places: Shape = tuple(side * spec.style_stride for side in drawn.style.shape[2:])
        fits = tuple(drawn.category.shape[2:]) == places
        require(fits, f"its category maps have {tuple(drawn.category.shape[2:])} pixels, but its styles cover {places}")


def _check(tensor: Tensor, what: str, width: int, per_pixel: bool) -> None:
    require(tensor.dim() == (4 if per_pixel else 2), f"its {what} has the shape {tuple(tensor.shape)}")
    fits = tuple(tensor.shape[:2]) == (DRAWS, width)
    require(fits, f"its {what} has the shape {tuple(tensor.shape)}, which does not begin with {(DRAWS, width)}")
    require(tensor.dtype == torch.float32, f"its {what} is {tensor.dtype}, and not float32")
    require(torch.isfinite(tensor).all(), f"its {what} is not finite")


def has_one_hot_categories(subject: CheckedPart) -> None:
    """Categories are one-hot, and each of them occurs."""
    spec: PriorSpec = subject.build()
    category = _drawn(spec, 0).category
    if spec.categories:
        one_hot = bool(((category == 0) | (category == 1)).all() and (category.sum(dim=1) == 1).all())
        require(one_hot, "its categories are not one-hot")
        require((category.amax(dim=0) > 0).all(), f"a category does not occur in {DRAWS} draws")


def is_deterministic_for_a_generator(subject: CheckedPart) -> None:
    """The same generator state gives the same samples bit for bit, and another state gives others."""
    spec: PriorSpec = subject.build()
    repeats(lambda: [_flat(_drawn(spec, 1))])
    require(
        not bitwise_equal(_flat(_drawn(spec, 1)), _flat(_drawn(spec, 2))), "different generators give the same samples"
    )


def draws_independently(subject: CheckedPart) -> None:
    """No two samples of a batch are equal."""
    rows = _flat(_drawn(subject.build(), 3))
    require(len({row.numpy().tobytes() for row in rows}) == len(rows), "two samples of a batch are equal")


def rejects_fewer_than_two_clusters(subject: CheckedPart) -> None:
    """It rejects fewer than 2 clusters with an error that names the key `clusters`."""
    for clusters in TOO_FEW:
        try:
            subject.build(clusters=clusters)
        except LatentclustError as error:
            told = any("clusters" in issue.where for issue in error.issues)
            require(told, f"its error for {clusters} clusters does not name the key `clusters`: {error}")
            continue
        raise CheckFailed(f"it accepts clusters = {clusters}")


def _drawn(spec: PriorSpec, seed: int) -> Latent:
    return spec.sample(DRAWS, torch.Generator().manual_seed(seed))


def _flat(latent: Latent) -> Tensor:
    """Return category and style as one row per sample, for vectors and maps."""
    return torch.cat((latent.category.flatten(1), latent.style.flatten(1)), dim=1)
