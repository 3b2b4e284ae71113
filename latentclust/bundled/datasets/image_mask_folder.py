"""A folder of one's own of images with a mask each."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from latentclust.api import (
    DataProtocol,
    ImageSet,
    LatentclustError,
    PreparedDatasetSpec,
    Tiles,
    Unit,
    files_under,
    in_memory,
    resolve_path,
)
from latentclust.bundled.datasets.cropping import brought_to, frame, whole_tiles
from latentclust.bundled.datasets.image_folder import SUFFIXES
from latentclust.bundled.datasets.label_files import Colour
from latentclust.bundled.datasets.mask_encoding import MaskKey
from latentclust.bundled.datasets.pairing import Pair, by_name, paired
from latentclust.bundled.datasets.pixel_files import check_alike, image_extent, image_mode, read_image
from latentclust.bundled.datasets.published_pairs import stacked

_MASKS = "masks"


class ImageMaskFolder(PreparedDatasetSpec):
    """Images and, for scoring, their masks: a class index or a colour for each pixel."""

    name: ClassVar[str] = "image-mask-folder"
    summary: ClassVar[str] = "your own images, with a mask for each or without"
    licence: ClassVar[str] = "your own"
    origin: ClassVar[str] = "yourself"
    layout: ClassVar[str] = "PATH/images/NAME.jpg and PATH/masks/NAME.png, or PATH/images/NAME.jpg alone"

    path: Path = Field(examples=["absent"])
    """The folder, or what was prepared of it, relative to the working folder or to a data folder."""

    images: str = "images"
    """The folder of the images, below `path`."""

    masks: str | None = None
    """The folder of the masks, below `path`; `masks` unless said, and no masks where that is absent."""

    mask_ending: str = ""
    """What a mask's name has more than its image's, before the suffix: `_label` in `a.jpg`, `a_label.png`."""

    classes: tuple[str, ...] = ()
    """Class names, of the indices (or colours of the palette) that are not void, in ascending order from 0."""

    palette: tuple[Colour, ...] = ()
    """The colours of the masks, (red, green, blue) from 0 to 255; without it masks hold indices."""

    void: tuple[NonNegativeInt, ...] = ()
    """The indices (or places in the palette, from 0) of pixels that have no class and are not scored."""

    size: PositiveInt | None = None
    """Side in pixels of the square that every image is resized to."""

    tile: PositiveInt | None = None
    """Side in pixels of the squares that every image is cut into; what remains at the right and below is left out."""

    @model_validator(mode="after")
    def _check(self) -> "ImageMaskFolder":
        if self.size and self.tile:
            raise ValueError(f"size {self.size} and tile {self.tile}: images are resized or cut, so give one of them")
        wrong = self._key.objection()
        if wrong:
            raise ValueError(wrong)
        return self

    @property
    def _key(self) -> MaskKey:
        return MaskKey(self.classes, self.palette, self.void)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names, in label order."""
        return self._key.names

    def facts(self) -> DataProtocol:
        """How the images were brought to one size."""
        cut = f"whole tiles of {self.tile}x{self.tile} from the upper left" if self.tile else "as they are"
        resized = f"resized to {self.size}x{self.size} (image bilinear with antialiasing, labels nearest)"
        return DataProtocol("own-masks", 1, f"one's own images, {resized if self.size else cut}")

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """The folder, if it is there."""
        return resolve_path(self.path, roots)

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Reads all images and masks, or opens what was prepared of them."""
        if super().located(roots):
            return super().open(roots)
        folder = self.located(roots)
        if folder is None:
            raise LatentclustError.at("data.path", f"no folder {self.path}", "Name an existing folder")
        return in_memory(self, folder)

    def units(self, origin: Path) -> Sequence[Unit]:
        """An image each, by name."""
        pairs = self._pairs(origin)
        mode = "L" if all(image_mode(pair.image) == "L" for pair in pairs) else "RGB"
        if not self.size and not self.tile:
            _check_one_size(pairs, origin)
        return [Unit(f"{place:06d}", partial(self._tiles, pair, mode), pair.files) for place, pair in enumerate(pairs)]

    def _pairs(self, origin: Path) -> tuple[Pair, ...]:
        folder, masks = origin / self.images, origin / (self.masks or _MASKS)
        if not folder.is_dir():
            raise LatentclustError.at("data.images", f"no folder {folder}", "Name the folder of the images, below path")
        if self.masks and not masks.is_dir():
            raise LatentclustError.at("data.masks", f"no folder {masks}", "Name the folder of the masks, below path")
        images = by_name(files_under(folder, SUFFIXES), folder)
        if not masks.is_dir():
            return paired(images, None, folder)
        if not self.class_names:
            what = f"not given, and {masks} holds masks"
            raise LatentclustError.at("data.classes", what, "Name the classes in the order of their indices")
        return paired(images, by_name(files_under(masks, SUFFIXES), masks, self.mask_ending), origin)

    def _tiles(self, pair: Pair, mode: str) -> Tiles:
        image = read_image(pair.image, mode)
        labels = None if pair.labels is None else self._key.read(pair.labels)
        if labels is not None and pair.labels is not None:
            check_alike(image, labels, pair.image, pair.labels)
        whole = frame(image, labels)
        if self.size:
            return stacked([brought_to(whole, self.size, self.size)])
        tiles = whole_tiles(whole, self.tile) if self.tile else (whole,)
        return stacked(tiles) if tiles else Tiles.none(f"smaller than {self.tile}x{self.tile}")


def _check_one_size(pairs: Sequence[Pair], origin: Path) -> None:
    sizes: dict[tuple[int, int], str] = {}
    for pair in pairs:
        sizes.setdefault(image_extent(pair.image), pair.image.name)
    if len(sizes) > 1:
        examples = " and ".join(f"{name} is {w}x{h}" for (h, w), name in list(sizes.items())[:2])
        raise LatentclustError.at(
            str(origin), f"images of {len(sizes)} sizes: {examples}", "Set data.size or data.tile"
        )
