"""What a new recipe for a folder of images extends, and why: frozen features for photographs, SCAN for small images."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from latentclust.data.image_files import find_images, open_image
from latentclust.data.image_headers import displayed_size
from latentclust.data.roots import data_roots, resolve_path
from latentclust.errors import LatentclustError
from latentclust.plugins.registry import Registry
from latentclust.specs.backbones import Weights

DATA = "image-folder"
"""Data set whose system is chosen here."""

PHOTOGRAPHS, SMALL = "temi", "scan"
"""Systems for photographs, and for images that a network of photographs does not know."""

LEAST_SIDE = 32
"""Shorter side in pixels, at the median, from which images are taken for photographs."""

SIDE = 224
"""Side in pixels of the images that most pretrained networks have learned from."""

ENLARGED = 4
"""Largest factor by which small photographs are enlarged for the network: 32 pixels to 128."""

LOOKED_AT = 200
"""Number of files whose headers are read."""

INSTALL = "pip install 'latentclust[pretrained]'"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A system for a folder of images.

    Attributes:
        system: Name of the system.
        why: Sentences for the comments of the recipe.
        data: Keys of the table `data`.
        features: Keys of the table `features`.
    """

    system: str
    why: tuple[str, ...]
    data: dict[str, Any] = field(default_factory=dict)
    features: dict[str, Any] = field(default_factory=dict)


def propose(registry: Registry, path: Path | None) -> Proposal:
    """Return what suits the images of a folder. None: a folder of photographs that is yet to be named.

    Raises:
        LatentclustError: If there is no such folder, or it has no readable images.
    """
    sizes = ((SIDE, SIDE),) if path is None else _sizes(path)
    sides = tuple(chain.from_iterable(sizes))
    data: dict[str, Any] = {} if path is None else {"path": str(path)}
    seen = "" if path is None else f", about {_middle(sides)} pixels wide or high"
    side = min(_middle(map(min, sizes)), SIDE)
    if path is None or len(set(sides)) > 1 or max(sides) > SIDE:
        data["size"] = side
    if side < LEAST_SIDE:
        why = f"The images are small{seen}: {SMALL} learns from them alone, without a pretrained network."
        return Proposal(SMALL, (why,), data)
    weights, known = _weights(registry)
    why = (
        f"For photographs{seen}: {PHOTOGRAPHS} clusters the features of a pretrained network, which are computed once."
    )
    return Proposal(PHOTOGRAPHS, (why, *known), data, {**weights, "size": min(SIDE, ENLARGED * side)})


def _weights(registry: Registry) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the options of weights that are on this machine, and what to say of them."""
    here = installed_weights(registry)
    other = "`latentclust data weights` lists others."
    if here is None:
        what = f"No weights are on this machine yet. Run: {INSTALL}"
        return {}, (what, f"or, online, set pretrained = 'hub' and a model in [features]. {other}")
    name, weights = here
    return {"use": name, **weights.options}, (f"Its weights are {weights.training}. {other}",)


def installed_weights(registry: Registry) -> tuple[str, Weights] | None:
    """Return the first backbone with pretrained weights on this machine, and these weights. None if there are none."""
    found = ((part.name, weights) for part in registry.parts("backbone") for weights in part.value.known_weights())
    return next((one for one in found if one[1].installed), None)


def _sizes(path: Path) -> tuple[tuple[int, int], ...]:
    """Return width and height of some images of a folder, spread over it.

    Raises:
        LatentclustError: As `propose`.
    """
    folder = resolve_path(path, data_roots())
    if folder is None or not folder.is_dir():
        raise LatentclustError.at("--path", f"no folder {path}", "Name an existing folder of images")
    files = find_images(folder).paths
    if not files:
        raise LatentclustError.at("--path", f"{path} contains no image files", "Name a folder of images")
    chosen = np.unique(np.linspace(0, len(files) - 1, LOOKED_AT).astype(int))
    return tuple(_size_of(files[number]) for number in chosen)


def _size_of(file: Path) -> tuple[int, int]:
    with open_image(file) as image:
        return displayed_size(image)


def _middle(sides: Iterable[int]) -> int:
    return int(median(sides))
