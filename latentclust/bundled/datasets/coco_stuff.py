"""COCO-Stuff: photographs with a label for each pixel, by IIC's and STEGO's protocols (Caesar et al. 2018)."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from latentclust.api import VOID, DataProtocol, ImageSet, LatentclustError, Tiles, Unit
from latentclust.bundled.datasets.coco_classes import ALL27, STUFF3, STUFF15, merged
from latentclust.bundled.datasets.coco_crops import iic_tiles, stego_tiles
from latentclust.bundled.datasets.coco_files import PARTS, listed, pairs_of
from latentclust.bundled.datasets.pairing import Pair
from latentclust.bundled.datasets.published_pairs import PublishedPairs
from latentclust.bundled.datasets.tile_protocols import PROTOCOLS

_UNIT = 64
"""Images a unit."""

_MOST_IN_MEMORY = 2000
"""Images of which tiles are made in memory; more are to be prepared."""

_CLASSES = {"iic-cocostuff3": STUFF3, "iic-cocostuff15": STUFF15, "stego-cocostuff27": ALL27}


class CocoStuff(PublishedPairs):
    """Photographs with a label for each pixel: IIC's 3 or 15 classes of stuff, or STEGO's 27 classes."""

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
    """Which classes, images and crops."""

    curated: Path | None = None
    """A text file that names the images to be used, one a line; it stands in place of the protocol's own choice."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names, in label order."""
        return _CLASSES[self.protocol]

    @property
    def masks_by_labels(self) -> bool:
        """True by IIC's protocols: pixels of other classes are masked out of training."""
        return self.protocol != "stego-cocostuff27"

    def facts(self) -> DataProtocol:
        """The protocol, and whether a list chooses the images."""
        protocol = PROTOCOLS[self.protocol]
        if self.curated is None:
            return protocol
        summary = f"{protocol.summary}; images chosen by the list {self.curated.name} alone"
        return replace(protocol, name=f"{protocol.name}-listed", summary=summary)

    def units(self, origin: Path) -> Sequence[Unit]:
        """64 images each, by name."""
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
        """The tiles, made from the raw files in memory; raises LatentclustError where these are too many."""
        count = sum(len(unit.inputs) for unit in self.units(mark)) // 2
        if count > _MOST_IN_MEMORY:
            what = f"{count:,} images, and no more than {_MOST_IN_MEMORY:,} are made into tiles in memory"
            fix = f"Run {self._command(mark)} once: the tiles are then found there"
            raise LatentclustError.at(str(mark), what, fix)
        return super().read(mark)

    def advice(self) -> str:
        """Where to get the files, how to lay them out, and how to prepare them."""
        return f"{super().advice()}; then run {self._command(Path('data/coco-stuff'))}"

    def _command(self, raw: Path) -> str:
        listing = f" --set curated={self.curated}" if self.curated else ""
        settings = f"--set protocol={self.protocol}{listing}"
        return f"`latentclust data prepare {self.name} {settings} --from {raw} --to data/prepared/{self.facts().name}`"

    def _tiles(self, pairs: Sequence[Pair]) -> Tiles:
        classes = merged(self.class_names, VOID)
        if self.protocol == "stego-cocostuff27":
            return stego_tiles(pairs, classes)
        return iic_tiles(pairs, classes, choose=self.curated is None)
