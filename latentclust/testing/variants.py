"""The forms that a batch may have, each with networks and with everything else that a training step starts from."""

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
"""Samples, latents and features are equally wide, so that one critic may score any of them, and one head read any."""

IMAGE: Shape = (2, 2, 2)
"""An image of as many values as a vector has."""

CELLS = 2
"""Places of the style's grid in an image of label maps, either way."""

NOISE = 0.3
"""Any positive number of a model."""

HIDDEN_ROWS = 2
"""Rows of every label map that do not count."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form of batches.

    Attributes:
        name: In words.
        shape: Of one sample.
        prior: Of its latent variables.
        roles: What networks in each role can do.
    """

    name: str
    shape: Shape
    prior: PriorSpec
    roles: Mapping[str, type]

    def network(self, name: str, role: str) -> nn.Module:
        """A network in a role; those of different names have different weights."""
        return small_network(role, self.prior, self.shape, seed=crc32(name.encode()))

    def given(self, views: tuple[str, ...], provided: Mapping[str, Any]) -> dict[str, Any]:
        """What a step starts from besides networks, by name: the engine's values, views, and what chains provide."""
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
        """A value such as chains may provide; None for a type of which nothing is known."""
        if type_ is Scale:
            return Scale(torch.tensor(NOISE))
        if type_ is Images:
            return self._images(rng)
        if type_ is Vectors:
            return Vectors(torch.randn(BATCH, WIDTH, generator=rng))
        return self.prior.sample(BATCH, rng) if type_ is Latent else None


def mirrored() -> Alignment:
    """The alignment of views that are mirror images."""
    mirror = torch.tensor([[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    return Alignment(mirror.repeat(BATCH, 1, 1))


def forms(subject: CheckedPart) -> tuple[Form, ...]:
    """Vectors `(b, d)`, images `(b, c, h, w)` with a cluster each, and images with a cluster a pixel.

    Their priors are registered ones with categories, the subject's own first.
    """
    plain, maps, found = _prior(subject, per_pixel=False), _prior(subject, per_pixel=True), []
    if plain is not None:
        found += [Form("vectors", (WIDTH,), plain, ROLES), Form("images", IMAGE, plain, ROLES)]
    if maps is not None:
        found.append(Form("label maps", (WIDTH, *places_of(maps)), maps, MAP_ROLES))
    return tuple(found)


def _prior(subject: CheckedPart, per_pixel: bool) -> PriorSpec | None:
    """A registered prior whose categories and style are together as wide as everything else."""
    own = subject.part.provider.distribution
    parts = sorted(subject.registry.parts("prior"), key=lambda part: part.provider.distribution != own)
    for part in parts:
        if part.value.per_pixel == per_pixel:
            built: PriorSpec = CheckedPart(part, subject.registry).build(style_dim=STYLE)
            if built.width == WIDTH:
                return built
    return None


def places_of(prior: PriorSpec) -> Shape:
    """Pixels of images whose style has a few places; none of a prior of whole images."""
    return (CELLS * prior.style_stride,) * 2 if isinstance(prior, MapPriorSpec) else ()
