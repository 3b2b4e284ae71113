"""Aerial images of Dubai by the Mohammed Bin Rashid Space Centre, with a label for each pixel."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import PositiveInt

from latentclust.api import VOID, DataProtocol, Tiles, Unit
from latentclust.bundled.datasets.cropping import full_tiles, rescale, resize_to
from latentclust.bundled.datasets.pairing import Pair, paired
from latentclust.bundled.datasets.published_pairs import PublishedPairs, read_pair, stack_tiles
from latentclust.bundled.datasets.tile_protocols import DUBAI_TILE, at_side

_SCALE = 0.5

_CLASSES = ("building", "land", "road", "vegetation", "water")

_COLOURS = (
    (0x9B, 0x9B, 0x9B),
    (0x3C, 0x10, 0x98),
    (0x84, 0x29, 0xF6),
    (0x6E, 0xC1, 0xE4),
    (0xFE, 0xDD, 0x3A),
    (0xE2, 0xA9, 0x29),
)
"""Colours of the published masks, in the order of the indices."""

_LABELS = {0: VOID, **{id_: id_ - 1 for id_ in range(1, len(_CLASSES) + 1)}}
"""Label of each index of a mask."""


class Dubai(PublishedPairs):
    """72 aerial images of Dubai, cut into tiles, with a label for each pixel.

    Example:
        ```toml
        [data]
        use = "dubai"
        size = 100
        ```
    """

    name: ClassVar[str] = "dubai"
    summary: ClassVar[str] = "72 aerial images of Dubai, RGB, with label maps of 5 classes; 450 tiles of 200x200"
    licence: ClassVar[str] = "CC0, as the publisher states"
    layout: ClassVar[str] = (
        "dubai/images/NAME.jpg and dubai/labels/NAME.png (or below dubai_mbrsc/): 0 unlabelled, 1 building, 2 land, "
        "3 road, 4 vegetation, 5 water; or, as published, 'Semantic segmentation dataset/Tile N/images/*.jpg' with "
        "coloured masks/*.png"
    )
    origin: ClassVar[str] = "Humans in the Loop (semantic segmentation of aerial imagery, MBRSC)"
    marks: ClassVar[tuple[str, ...]] = ("dubai_mbrsc", "dubai", "Semantic segmentation dataset")

    protocol: Literal["dubai5"] = "dubai5"
    """Protocol by which tiles are cut and scored."""

    size: PositiveInt | None = None
    """Side in pixels that the tiles of 200x200 are resized to. A side other than 200 is another protocol."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names, in label order."""
        return _CLASSES

    def facts(self) -> DataProtocol:
        """Return the protocol, under another name for another size."""
        return at_side(self.protocol, self.size, DUBAI_TILE)

    def units(self, origin: Path) -> Sequence[Unit]:
        """Return one unit per image."""
        side = self.size or DUBAI_TILE
        return [Unit(pair.name, partial(_tiles, pair, side), pair.files) for pair in _pairs(origin)]


def _pairs(origin: Path) -> tuple[Pair, ...]:
    """Return the pairs by name. The published `Tile 1/images/image_part_002.jpg` is named `tile1_002`."""
    folders = [origin] if (origin / "images").is_dir() else sorted(origin.glob("Tile *"))
    images, labels = (
        {_name(path): path for folder in folders for path in (folder / part).glob(f"*.{suffix}")}
        for part, suffix in (("images", "jpg"), ("labels" if folders == [origin] else "masks", "png"))
    )
    return paired(images, labels, origin)


def _name(path: Path) -> str:
    folder = path.parent.parent.name
    if not folder.startswith("Tile "):
        return path.stem
    return f"{folder.replace(' ', '').lower()}_{path.stem.removeprefix('image_part_')}"


def _tiles(pair: Pair, side: int) -> Tiles:
    tiles = full_tiles(rescale(read_pair(pair, _LABELS, _COLOURS), _SCALE), DUBAI_TILE)
    if not tiles:
        return Tiles.none(f"halved, smaller than {DUBAI_TILE}x{DUBAI_TILE}")
    return stack_tiles([resize_to(tile, side, side) for tile in tiles])
