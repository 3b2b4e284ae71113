"""Image folders of the user."""

from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field, PositiveInt

from latentclust.api import DatasetSpec, FileSource, ImageSet, LatentclustError, files_under, image_set, resolve_path

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""Suffixes of image files."""


class ImageFolder(DatasetSpec):
    """Image files, decoded on access. Two or more sub-folders are the classes.

    Example:
        ```toml
        [data]
        use = "image-folder"
        path = "photographs"
        size = 96
        ```
    """

    summary: ClassVar[str] = "your own images: one folder, or one folder per class"
    licence: ClassVar[str] = "your own"
    layout: ClassVar[str] = "PATH/*.jpg without labels, or PATH/CLASS/**/*.jpg"

    path: Path = Field(examples=["absent"])
    """Path of the folder, relative to the working folder or a data folder."""

    size: PositiveInt | None = None
    """Side in pixels of the square that every image is resized to. Required if sizes differ."""

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """Return the path of the folder, or None if it does not exist."""
        return resolve_path(self.path, roots)

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Find the files and read their headers. Pixels are read on access."""
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
            what = f"contains {owners.count('')} images next to the sub-folders {', '.join(classes[1:4])}"
            raise LatentclustError.at(str(folder), what, "Put all images into sub-folders, or none")
        labels = np.array([classes.index(owner) for owner in owners])
        return image_set(source, labels, classes, str(folder))
