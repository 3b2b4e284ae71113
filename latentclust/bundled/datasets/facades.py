"""Base set of the CMP Facade Database: rectified facades with a label for each pixel (Tylecek & Sara 2013)."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import PositiveInt

from latentclust.api import VOID, DataProtocol, Tiles, Unit
from latentclust.bundled.datasets.cropping import resize_to
from latentclust.bundled.datasets.pairing import Pair, by_name, paired
from latentclust.bundled.datasets.published_pairs import PublishedPairs, read_pair, stack_tiles
from latentclust.bundled.datasets.tile_protocols import FACADES_SIDE, at_side

_PARTS = {
    "background": 1,
    "facade": 2,
    "window": 3,
    "door": 4,
    "cornice": 5,
    "sill": 6,
    "balcony": 7,
    "blind": 8,
    "deco": 9,
    "molding": 10,
    "pillar": 11,
    "shop": 12,
}
"""Published ids of the parts of a facade."""

_MERGED = {
    "wall": ("facade",),
    "door": ("door", "shop"),
    "window": ("window", "blind"),
    "decoration": ("cornice", "sill", "balcony", "deco", "molding", "pillar"),
}
"""Classes of `facades4` with the parts that each contains."""

_LABELS = {
    _PARTS["background"]: VOID,
    **{_PARTS[part]: label for label, parts in enumerate(_MERGED.values()) for part in parts},
}


class Facades(PublishedPairs):
    """378 rectified photographs of facades, resized to one size, with a label for each pixel.

    Example:
        ```toml
        [data]
        use = "facades"
        size = 64
        ```
    """

    name: ClassVar[str] = "facades"
    summary: ClassVar[str] = "378 photographs of facades (CMP base), RGB, with label maps of 4 classes, 128x128"
    licence: ClassVar[str] = "none stated; cite Tylecek & Sara 2013"
    layout: ClassVar[str] = "base/cmp_b*.jpg and base/cmp_b*.png (or below facades/ or facades_cmp_base_512/)"
    origin: ClassVar[str] = "the Center for Machine Perception, Prague (CMP Facade Database, base set)"
    marks: ClassVar[tuple[str, ...]] = ("facades_cmp_base_512", "facades", "base")

    protocol: Literal["facades4"] = "facades4"
    """Protocol by which parts are merged to classes and images are scored."""

    size: PositiveInt = FACADES_SIDE
    """Side in pixels of the square that every image is resized to. A side other than 128 is another protocol."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names, in label order."""
        return tuple(_MERGED)

    def facts(self) -> DataProtocol:
        """Return the protocol, under another name for another size."""
        return at_side(self.protocol, self.size, FACADES_SIDE)

    def units(self, origin: Path) -> Sequence[Unit]:
        """Return one unit per image."""
        images, labels = by_name(origin.glob("cmp_b*.jpg"), origin), by_name(origin.glob("cmp_b*.png"), origin)
        return [Unit(pair.name, partial(_tile, pair, self.size), pair.files) for pair in paired(images, labels, origin)]


def _tile(pair: Pair, side: int) -> Tiles:
    return stack_tiles([resize_to(read_pair(pair, _LABELS), side, side)])
