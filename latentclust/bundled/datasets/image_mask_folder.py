"""Image folders of the user with one mask per image."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from latentclust.api import (
    VOID,
    DataProtocol,
    ImageSet,
    LatentclustError,
    PreparedDatasetSpec,
    Tiles,
    Unit,
    find_images,
    in_memory,
    resolve_path,
)
from latentclust.bundled.datasets.cropping import full_tiles, image_pair, resize_to
from latentclust.bundled.datasets.pairing import Pair, by_name, paired
from latentclust.bundled.datasets.pixel_files import (
    Colour,
    check_same_size,
    image_extent,
    image_mode,
    read_colours,
    read_ids,
    read_image,
    to_labels,
)
from latentclust.bundled.datasets.published_pairs import stack_tiles

_BYTES = range(256)

_MASKS = "masks"


@dataclass(frozen=True, slots=True)
class MaskEncoding:
    """The meaning of the indices or colours of masks.

    Attributes:
        classes: Class names of the ids that are not void, in ascending order from 0.
        palette: Colours whose positions are the ids. Empty if masks contain ids.
        void: Ids without a class.
    """

    classes: tuple[str, ...]
    palette: tuple[Colour, ...]
    void: tuple[int, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Class names, in label order. The name of a colour without one is its hexadecimal code."""
        colours = (colour for place, colour in enumerate(self.palette) if place not in self.void)
        return self.classes or tuple("#{:02x}{:02x}{:02x}".format(*colour) for colour in colours)

    @property
    def labels(self) -> dict[int, int]:
        """Label of every valid id."""
        ids = (id_ for id_ in count() if id_ not in self.void)
        classes = {id_: label for label, id_ in enumerate(islice(ids, len(self.names)))}
        return classes | dict.fromkeys(self.void, VOID)

    def problem(self) -> str | None:
        """Return the first contradiction among the options, or None."""
        if not self.palette:
            return None
        wrong = [colour for colour in self.palette if not all(value in _BYTES for value in colour)]
        twice = [colour for colour in self.palette if self.palette.count(colour) > 1]
        beyond = [id_ for id_ in self.void if id_ >= len(self.palette)]
        scored = len(set(range(len(self.palette))) - set(self.void))
        if wrong:
            return f"palette: {wrong[0]} is not a colour of three values from 0 to 255"
        if twice:
            return f"palette: {twice[0]} occurs twice"
        if beyond:
            return f"void: {beyond[0]} is not a position in the palette, which ends at {len(self.palette) - 1}"
        if self.classes and len(self.classes) != scored:
            return f"classes: {len(self.classes)} names for {scored} colours that are not void"
        return None

    def read(self, path: Path) -> NDArray[np.int16]:
        """Read the labels `(h, w)` of a mask.

        Raises:
            LatentclustError: If the file is damaged, or an id or colour has no class.
        """
        ids = read_colours(path, self.palette) if self.palette else read_ids(path)
        return to_labels(ids, self.labels, path)


class ImageMaskFolder(PreparedDatasetSpec):
    """Images and, for scoring, their masks, with a class index or a colour for each pixel.

    Example:
        ```toml
        [data]
        use = "image-mask-folder"
        path = "fields"
        tile = 128
        classes = ["soil", "crop"]
        void = [2]
        ```
    """

    name: ClassVar[str] = "image-mask-folder"
    summary: ClassVar[str] = "your own images, with or without one mask per image"
    licence: ClassVar[str] = "your own"
    origin: ClassVar[str] = "yourself"
    layout: ClassVar[str] = "PATH/images/NAME.jpg and PATH/masks/NAME.png, or PATH/images/NAME.jpg alone"

    path: Path = Field(examples=["absent"])
    """Path of the folder or its prepared data set, relative to the working folder or a data folder."""

    images: str = "images"
    """Folder of the images below `path`."""

    masks: str | None = None
    """Folder of the masks below `path`. By default `masks`, or no masks if that does not exist."""

    mask_ending: str = ""
    """Ending of the names of masks before the suffix, such as `_label` for `a.jpg` and `a_label.png`."""

    classes: tuple[str, ...] = ()
    """Class names of the indices (or colours of the palette) that are not void, in ascending order from 0."""

    palette: tuple[Colour, ...] = ()
    """Colours of the masks, (red, green, blue) from 0 to 255. Without a palette masks contain indices."""

    void: tuple[NonNegativeInt, ...] = ()
    """Indices (or positions in the palette, from 0) of pixels without a class, which are not scored."""

    size: PositiveInt | None = None
    """Side in pixels of the square that every image is resized to."""

    tile: PositiveInt | None = None
    """Side in pixels of the tiles that every image is cut into. The rest at the right and bottom is dropped."""

    @model_validator(mode="after")
    def _check(self) -> "ImageMaskFolder":
        if self.size and self.tile:
            raise ValueError(f"size {self.size} and tile {self.tile} exclude each other: use only one of them")
        problem = self._encoding.problem()
        if problem:
            raise ValueError(problem)
        return self

    @property
    def _encoding(self) -> MaskEncoding:
        return MaskEncoding(self.classes, self.palette, self.void)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names, in label order."""
        return self._encoding.names

    def facts(self) -> DataProtocol:
        """Return how the images are resized or cut."""
        cut = f"whole tiles of {self.tile}x{self.tile} from the upper left" if self.tile else "as they are"
        resized = f"resized to {self.size}x{self.size} (image bilinear with antialiasing, labels nearest)"
        return DataProtocol("own-masks", 1, f"one's own images, {resized if self.size else cut}")

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """Return the path of the folder, or None if it does not exist."""
        return resolve_path(self.path, roots)

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Open the prepared data set if there is one, otherwise read all images and masks."""
        if super().located(roots):
            return super().open(roots)
        folder = self.located(roots)
        if folder is None:
            raise LatentclustError.at("data.path", f"no folder {self.path}", "Name an existing folder")
        notes = (note for part in (self.images, self.masks or _MASKS) for note in _notes(folder / part))
        return replace(in_memory(self, folder), notes=tuple(notes))

    def units(self, origin: Path) -> Sequence[Unit]:
        """Return one unit per image, sorted by name."""
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
        images = by_name(find_images(folder).paths, folder)
        if not masks.is_dir():
            return paired(images, None, folder)
        if not self.class_names:
            what = f"is required, since {masks} contains masks"
            raise LatentclustError.at("data.classes", what, "Name the classes in the order of their indices")
        return paired(images, by_name(find_images(masks).paths, masks, self.mask_ending), origin)

    def _tiles(self, pair: Pair, mode: str) -> Tiles:
        image = read_image(pair.image, mode)
        labels = None if pair.labels is None else self._encoding.read(pair.labels)
        if labels is not None and pair.labels is not None:
            check_same_size(image, labels, pair.image, pair.labels)
        whole = image_pair(image, labels)
        if self.size:
            return stack_tiles([resize_to(whole, self.size, self.size)])
        tiles = full_tiles(whole, self.tile) if self.tile else (whole,)
        return stack_tiles(tiles) if tiles else Tiles.none(f"smaller than {self.tile}x{self.tile}")


def _notes(folder: Path) -> tuple[str, ...]:
    """Return sentences about the files of a folder that are not read. Empty if there is no such folder."""
    return tuple(f"{folder.name}: {note}" for note in find_images(folder).notes) if folder.is_dir() else ()


def _check_one_size(pairs: Sequence[Pair], origin: Path) -> None:
    sizes: dict[tuple[int, int], str] = {}
    for pair in pairs:
        sizes.setdefault(image_extent(pair.image), pair.image.name)
    if len(sizes) > 1:
        examples = " and ".join(f"{name} is {w}x{h}" for (h, w), name in list(sizes.items())[:2])
        raise LatentclustError.at(
            str(origin), f"images of {len(sizes)} sizes: {examples}", "Set data.size or data.tile"
        )
