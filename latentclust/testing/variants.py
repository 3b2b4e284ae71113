"""Variants of batches, vectors, images and label maps, with networks and all other values of a training step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import torch
from torch import nn

from latentclust.assemble.recipe_checks import MAP_ROLES, ROLES
from latentclust.specs.parts import MapPriorSpec, PriorSpec
from latentclust.tensors import Alignment, Images, Latent, Mask, Scale, Shape, Vectors
from latentclust.testing.small_networks import WIDTH, small_network
from latentclust.testing.subject import CLUSTERS, CheckedPart

BATCH, STYLE = 6, WIDTH - CLUSTERS
"""Batch size, and width of the style. Samples, latents and features have the same width, so that every network fits."""

IMAGE: Shape = (2, 2, 2)
"""Shape of an image with as many values as a vector."""

CELLS = 2
"""Rows and columns of the style grid of a label map."""

NOISE = 0.3
"""Value of a scale, any positive number."""

HIDDEN_ROWS = 2
"""Number of rows of a label map that are masked."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant of batches.

    Attributes:
        name: Displayed name.
        shape: Shape of a sample.
        prior: Prior of the latent variables.
        roles: Protocol of the networks in each role.
    """

    name: str
    shape: Shape
    prior: PriorSpec
    roles: Mapping[str, type]

    def network(self, name: str, role: str) -> nn.Module:
        """Return a network in a role. Networks with different names have different weights."""
        return small_network(role, self.prior, self.shape, seed=crc32(name.encode()))

    def given(self, views: tuple[str, ...], provided: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of a step in addition to networks: engine values, views, and values from chains."""
        rng = torch.Generator().manual_seed(0)
        values: dict[str, Any] = {
            "images": self._images(rng),
            **{view: self._images(rng) for view in views},
            "prior": self.prior,
            "batch_size": BATCH,
            "rng": rng,
        }
        if self.prior.per_pixel:
            mask = torch.ones(BATCH, *self.shape[1:], dtype=torch.bool)
            mask[:, :HIDDEN_ROWS] = False
            values |= {"valid": Mask(mask), **{f"{view}_alignment": mirrored() for view in views}}
        found = {name: self._of_type(type_, rng) for name, type_ in provided.items()}
        return values | {name: value for name, value in found.items() if value is not None}

    def _images(self, rng: torch.Generator) -> Images:
        return Images(torch.rand(BATCH, *self.shape, generator=rng))

    def _of_type(self, type_: Any, rng: torch.Generator) -> Any:
        """Return a value of a type that chains may provide, or None if the type is unknown."""
        if type_ is Scale:
            return Scale(torch.tensor(NOISE))
        if type_ is Images:
            return self._images(rng)
        if type_ is Vectors:
            return Vectors(torch.randn(BATCH, WIDTH, generator=rng))
        return self.prior.sample(BATCH, rng) if type_ is Latent else None


def mirrored() -> Alignment:
    """Return the alignment of views that are mirror images."""
    mirror = torch.tensor([[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    return Alignment(mirror.repeat(BATCH, 1, 1))


def variants(subject: CheckedPart) -> tuple[Variant, ...]:
    """Return the variants: vectors `(b, d)`, images `(b, c, h, w)` with one cluster each, and with one per pixel.

    Their priors are registered ones with categories, preferably of the same distribution.
    """
    plain, maps, found = _prior(subject, per_pixel=False), _prior(subject, per_pixel=True), []
    if plain is not None:
        found += [Variant("vectors", (WIDTH,), plain, ROLES), Variant("images", IMAGE, plain, ROLES)]
    if maps is not None:
        found.append(Variant("label maps", (WIDTH, *places_of(maps)), maps, MAP_ROLES))
    return tuple(found)


def _prior(subject: CheckedPart, per_pixel: bool) -> PriorSpec | None:
    """Return a registered prior with a total width of WIDTH, or None."""
    own = subject.part.provider.distribution
    parts = sorted(subject.registry.parts("prior"), key=lambda part: part.provider.distribution != own)
    for part in parts:
        if part.value.per_pixel == per_pixel:
            built: PriorSpec = CheckedPart(part, subject.registry).build(style_dim=STYLE)
            if built.width == WIDTH:
                return built
    return None


def places_of(prior: PriorSpec) -> Shape:
    """Return height and width of images of a per-pixel prior, or nothing for a prior of whole images."""
    return (CELLS * prior.style_stride,) * 2 if isinstance(prior, MapPriorSpec) else ()
