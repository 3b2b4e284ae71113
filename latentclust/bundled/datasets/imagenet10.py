"""ImageNet-10, Chang et al. 2017 (DAC): ten classes of ILSVRC 2012."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, PositiveInt

from latentclust.api import FileSource, ImageSet, LatentclustError, find_images, image_set
from latentclust.bundled.datasets.published_images import Published

CLASSES: Mapping[str, str] = {
    "n02056570": "king penguin",
    "n02085936": "Maltese dog",
    "n02128757": "snow leopard",
    "n02690373": "airliner",
    "n02692877": "airship",
    "n03095699": "container ship",
    "n04254680": "soccer ball",
    "n04285008": "sports car",
    "n04467665": "trailer truck",
    "n07747607": "orange",
}
"""Class by the name of its folder, as the authors of DCCS list them."""

Folder = Annotated[str, Field(pattern=r"^[\w.-]+$")]


class ImageNet10(Published):
    """13,000 photographs of ten classes, resized to squares when read.

    Example:
        ```toml
        [data]
        use = "imagenet10"
        size = 96
        ```
    """

    summary: ClassVar[str] = "13,000 photographs of 10 classes of ImageNet, RGB, resized to 96x96"
    licence: ClassVar[str] = "research use"
    layout: ClassVar[str] = "imagenet10/WNID/*.JPEG, or imagenet/train/WNID/*.JPEG, for the ten folders of data.folders"
    name: ClassVar[str] = "imagenet10"
    marks: ClassVar[tuple[str, ...]] = (
        "imagenet10",
        "imagenet/train",
        "ILSVRC2012/train",
        "ILSVRC/Data/CLS-LOC/train",
    )
    origin: ClassVar[str] = "image-net.org"

    folders: Annotated[tuple[Folder, ...], Field(min_length=2)] = tuple(CLASSES)
    """Folders of the classes, in label order. Other folders are not read."""

    size: PositiveInt = 96
    """Side in pixels of the square that every image is resized to; 96 in DCCS."""

    def read(self, mark: Path) -> ImageSet:
        """Find the files and read their headers. Pixels are read on access."""
        found = {name: find_images(mark / name).paths for name in self.folders if (mark / name).is_dir()}
        missing = [name for name in self.folders if not found.get(name)]
        if missing:
            what = f"contains no images of {', '.join(missing)}"
            raise LatentclustError.at(str(mark), what, "Copy these folders, or list others in data.folders")
        paths = [path for name in self.folders for path in found[name]]
        labels = np.repeat(np.arange(len(self.folders)), [len(found[name]) for name in self.folders])
        names = tuple(CLASSES.get(name, name) for name in self.folders)
        return image_set(FileSource(paths, self.size, str(mark)), labels, names, str(mark))
