"""A folder of images of one's own."""

from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field, PositiveInt

from latentclust.api import DatasetSpec, FileSource, ImageSet, LatentclustError, files_under, image_set, resolve_path

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""What counts as an image."""


class ImageFolder(DatasetSpec):
    """Image files, decoded when they are read. Sub-folders, if there are two or more, are the classes."""

    summary: ClassVar[str] = "your own images: one folder, or a folder a class"
    licence: ClassVar[str] = "your own"
    layout: ClassVar[str] = "PATH/*.jpg without labels, or PATH/CLASS/**/*.jpg"

    path: Path = Field(examples=["absent"])
    """The folder, relative to the working folder or to a data folder."""

    size: PositiveInt | None = None
    """Side in pixels of the square that every image is resized to; needed where sizes differ."""

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """The folder, if it is there."""
        return resolve_path(self.path, roots)

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Finds the files and reads their headers; their pixels are left for later."""
        folder = self.located(roots)
        if folder is None:
            raise LatentclustError.at("data.path", f"no folder {self.path}", "Name an existing folder")
        paths = files_under(folder, SUFFIXES)
        source = FileSource(paths, self.size, str(folder))
        owners = [path.relative_to(folder).parts[0] if path.parent != folder else "" for path in paths]
        classes = sorted(set(owners))
        if len(classes) < 2:
            return image_set(source, None, (), str(folder))
        if "" in classes:
            what = f"{owners.count('')} images beside the sub-folders {', '.join(classes[1:4])}"
            raise LatentclustError.at(str(folder), what, "Put all images into sub-folders, or none")
        labels = np.array([classes.index(owner) for owner in owners])
        return image_set(source, labels, classes, str(folder))
