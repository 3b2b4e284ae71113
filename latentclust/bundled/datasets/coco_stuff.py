"""COCO-Stuff: photographs with a label for each pixel, by the protocols of IIC and STEGO (Caesar et al. 2018)."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from latentclust.api import VOID, DataProtocol, ImageSet, LatentclustError, Tiles, Unit
from latentclust.bundled.datasets.coco_crops import ALL27, STUFF3, STUFF15, coarse_labels, iic_tiles, stego_tiles
from latentclust.bundled.datasets.pairing import Pair, by_name, paired
from latentclust.bundled.datasets.published_pairs import PublishedPairs
from latentclust.bundled.datasets.tile_protocols import PROTOCOLS

_UNIT = 64
"""Number of images per unit."""

_MAX_IN_MEMORY = 2000
"""Largest number of images whose tiles are made in memory. More must be prepared first."""

_CLASSES = {"iic-cocostuff3": STUFF3, "iic-cocostuff15": STUFF15, "stego-cocostuff27": ALL27}

PARTS = ("train2017", "val2017")
"""Published parts."""

MAPS = "stuffthingmaps"
"""Folder of the published label maps."""

_LABEL_ENDING = "_label"
"""Ending of the names of label maps in a folder of pairs."""


class CocoStuff(PublishedPairs):
    """Photographs with a label for each pixel: 3 or 15 classes of stuff by IIC, or 27 classes by STEGO.

    Example:
        ```toml
        [data]
        use = "coco-stuff"
        protocol = "iic-cocostuff3"
        ```
    """

    name: ClassVar[str] = "coco-stuff"
    summary: ClassVar[str] = "118,287 + 5,000 photographs, RGB, with label maps of 3, 15 or 27 classes, by protocol"
    licence: ClassVar[str] = "annotations CC BY 4.0; images under their Flickr terms"
    layout: ClassVar[str] = (
        "coco-stuff/{train2017,val2017}/NAME.jpg with coco-stuff/stuffthingmaps/{train2017,val2017}/NAME.png, or "
        "cocostuff/{train,val}_NAME.jpg with {train,val}_NAME_label.png"
    )
    origin: ClassVar[str] = (
        "cocodataset.org (train2017.zip, val2017.zip) and COCO-Stuff (stuffthingmaps_trainval2017.zip)"
    )
    marks: ClassVar[tuple[str, ...]] = ("coco-stuff", "cocostuff", "coco_stuff")

    protocol: Literal["iic-cocostuff3", "iic-cocostuff15", "stego-cocostuff27"] = "iic-cocostuff15"
    """Protocol of the classes, images and crops."""

    curated: Path | None = None
    """Path of a text file that lists the images to use, one per line. It replaces the selection of the protocol."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names, in label order."""
        return _CLASSES[self.protocol]

    @property
    def masks_by_labels(self) -> bool:
        """Whether pixels of other classes are masked out of training, as in the protocols of IIC."""
        return self.protocol != "stego-cocostuff27"

    def facts(self) -> DataProtocol:
        """Return the protocol, under another name if a list selects the images."""
        protocol = PROTOCOLS[self.protocol]
        if self.curated is None:
            return protocol
        summary = f"{protocol.summary}; images chosen by the list {self.curated.name} alone"
        return replace(protocol, name=f"{protocol.name}-listed", summary=summary)

    def units(self, origin: Path) -> Sequence[Unit]:
        """Return units of 64 images, sorted by name."""
        pairs = pairs_of(origin, PARTS if self.masks_by_labels else PARTS[1:])
        if self.curated:
            pairs = listed(pairs, self.curated)
        chunks = [pairs[start : start + _UNIT] for start in range(0, len(pairs), _UNIT)]
        files = [tuple(file for pair in chunk for file in pair.files) for chunk in chunks]
        return [
            Unit(f"{place:05d}", partial(self._tiles, chunk), inputs)
            for place, (chunk, inputs) in enumerate(zip(chunks, files, strict=True))
        ]

    def read(self, mark: Path) -> ImageSet:
        """Return the tiles, made from the raw files in memory. Raise LatentclustError if there are too many."""
        count = sum(len(unit.inputs) for unit in self.units(mark)) // 2
        if count > _MAX_IN_MEMORY:
            what = f"has {count:,} images, but tiles of at most {_MAX_IN_MEMORY:,} can be made in memory"
            fix = f"Run {self._command(mark)} once, then the tiles are found there"
            raise LatentclustError.at(str(mark), what, fix)
        return super().read(mark)

    def advice(self) -> str:
        """Return how to get, arrange and prepare the files."""
        return f"{super().advice()}; then run {self._command(Path('data/coco-stuff'))}"

    def _command(self, raw: Path) -> str:
        listing = f" --set curated={self.curated}" if self.curated else ""
        settings = f"--set protocol={self.protocol}{listing}"
        return f"`latentclust data prepare {self.name} {settings} --from {raw} --to data/prepared/{self.facts().name}`"

    def _tiles(self, pairs: Sequence[Pair]) -> Tiles:
        classes = coarse_labels(self.class_names, VOID)
        if self.protocol == "stego-cocostuff27":
            return stego_tiles(pairs, classes)
        return iic_tiles(pairs, classes, choose=self.curated is None)


def pairs_of(origin: Path, parts: Sequence[str]) -> tuple[Pair, ...]:
    """Find the images of published parts with their label maps, sorted by name.

    The published files are `train2017/NAME.jpg` (or `images/train2017/NAME.jpg`) and
    `stuffthingmaps/train2017/NAME.png`; pairs in one folder are `train_NAME.jpg` and `train_NAME_label.png`.

    Raises:
        LatentclustError: If a part is missing, or an image or label map has no counterpart.
    """
    if (origin / MAPS).is_dir():
        return _published(origin, parts)
    starts = tuple(f"{part.removesuffix('2017')}_" for part in parts)
    images = [path for path in origin.glob("*.jpg") if path.name.startswith(starts)]
    labels = [path for path in origin.glob(f"*{_LABEL_ENDING}.png") if path.name.startswith(starts)]
    if not images:
        what = f"contains neither {MAPS} nor images {' or '.join(f'{start}*.jpg' for start in starts)}"
        raise LatentclustError.at(str(origin), what, "Name the folder that contains the parts of the data set")
    return paired(by_name(images, origin), by_name(labels, origin, _LABEL_ENDING), origin)


def _published(origin: Path, parts: Sequence[str]) -> tuple[Pair, ...]:
    above = origin / "images" if (origin / "images").is_dir() else origin
    absent = [str(folder / part) for part in parts for folder in (above, origin / MAPS) if not (folder / part).is_dir()]
    if absent:
        raise LatentclustError.at(str(origin), f"no folder {', '.join(absent)}", "Unpack this part of the data set too")
    images = by_name((path for part in parts for path in (above / part).glob("*.jpg")), above)
    labels = by_name((path for part in parts for path in (origin / MAPS / part).glob("*.png")), origin / MAPS)
    return paired(images, labels, origin)


def listed(pairs: Sequence[Pair], listing: Path) -> tuple[Pair, ...]:
    """Return the pairs that a text file lists, one image per line, with or without folder and suffix.

    Raises:
        LatentclustError: If the file does not exist, or lists images that are not among the pairs.
    """
    if not listing.is_file():
        what = f"file {listing} does not exist"
        raise LatentclustError.at("data.curated", what, "Name a file that lists one image per line")
    wanted = {Path(line.strip()).stem for line in listing.read_text("utf-8").splitlines() if line.strip()}
    missing = sorted(wanted - {Path(pair.name).name for pair in pairs})
    if missing or not wanted:
        what = f"{len(missing)} of {len(wanted)} images are absent, such as {missing[0]}" if missing else "is empty"
        fix = "List images of the data set, and unpack every part that contains them"
        raise LatentclustError.at(str(listing), what, fix)
    return tuple(pair for pair in pairs if Path(pair.name).name in wanted)
