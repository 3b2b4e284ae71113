"""Image folders of the user."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar
from unicodedata import normalize

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from latentclust.api import (
    IMAGE_SUFFIXES,
    VOID,
    DatasetSpec,
    FileSource,
    ImageSet,
    LatentclustError,
    decode_errors,
    encode_labels,
    find_images,
    image_set,
    resolve_path,
)

FOLDERS, NONE = "folders", "none"

Level = Annotated[int, Field(ge=0, le=255)]


class ImageFolder(DatasetSpec):
    """Image files, decoded on access, sorted by their paths part by part.

    Links are followed. Images are turned as their EXIF orientation says.

    Example:
        ```toml
        [data]
        use = "image-folder"
        path = "photographs"
        size = 96
        labels = "none"
        ```
    """

    summary: ClassVar[str] = "your own images: one folder, or one folder per class"
    licence: ClassVar[str] = "your own"
    layout: ClassVar[str] = "PATH/*.jpg without labels, or PATH/CLASS/**/*.jpg"

    path: Path = Field(examples=["absent"])
    """Path of the folder, relative to the working folder or a data folder."""

    size: PositiveInt | None = None
    """Side in pixels of the square that every image is resized to. Required if sizes differ."""

    labels: str = FOLDERS
    """Ground truth: `folders` if two or more sub-folders are the classes, `none`, or a CSV file in `path` with the
    columns `path` and `label`."""

    background: tuple[Level, Level, Level] = (255, 255, 255)
    """Colour under transparent pixels, as RGB."""

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """Return the path of the folder, or None if it does not exist."""
        return resolve_path(self.path, roots)

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Find the files and read their headers. Pixels are read on access."""
        folder = self.located(roots)
        if folder is None or not folder.is_dir():
            raise LatentclustError.at("data.path", f"no folder {self.path}", "Name an existing folder")
        found = find_images(folder)
        if not found.paths:
            what = "; ".join(("contains no image files", *found.notes))
            raise LatentclustError.at(str(folder), what, f"Images end in {', '.join(sorted(IMAGE_SUFFIXES))}")
        names = tuple(path.relative_to(folder).as_posix() for path in found.paths)
        labels, classes, notes = self._classes_of(folder, names)
        source = FileSource(found.paths, self.size, str(folder), self.background)
        opened = image_set(source, labels, classes, str(folder))
        return replace(opened, paths=names, notes=(*found.notes, *source.notes, *notes, *opened.notes))

    def _classes_of(
        self, folder: Path, names: Sequence[str]
    ) -> tuple[NDArray[np.int64] | None, tuple[str, ...], tuple[str, ...]]:
        """Return the class of each image, the class names, and what to say of them."""
        if self.labels == NONE:
            return None, (), ()
        if self.labels != FOLDERS:
            return *read_labels(folder / Path(self.labels).expanduser(), names), ()
        owners = [name.split("/")[0] if "/" in name else "" for name in names]
        classes = sorted(set(owners))
        if len(classes) < 2:
            return None, (), ()
        if "" in classes:
            what = f"contains {owners.count('')} images next to the sub-folders {', '.join(classes[1:4])}"
            fix = 'Put all images into sub-folders or none, or set data.labels = "none"'
            raise LatentclustError.at(str(folder), what, fix)
        shown = ", ".join(classes[:4]) + (", …" if len(classes) > 4 else "")
        note = f'the {len(classes)} sub-folders are the classes ({shown}); data.labels = "none" if they are not'
        return np.array([classes.index(owner) for owner in owners]), tuple(classes), (note,)


def read_labels(file: Path, names: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Read the labels of images from a CSV file with the columns `path` and `label`.

    Args:
        file: Path of the file.
        names: Paths of the images as the column `path` writes them, relative to the folder of the images.

    Returns:
        The class of each image, `VOID` for one without a row or with a blank label, and the class names.

    Raises:
        LatentclustError: If the file is missing or damaged, lacks a column, names no image or one that is absent, or
            gives an image two labels.
    """
    if not file.is_file():
        fix = 'Set data.labels to "folders", "none" or a CSV file in data.path'
        raise LatentclustError.at("data.labels", f"no file {file}", fix)
    with decode_errors(file, "Write a CSV file in UTF-8 with the columns path and label"):
        table = pd.read_csv(file, dtype=str, keep_default_na=False, sep=None, engine="python", encoding="utf-8-sig")
    if not {"path", "label"} <= set(table.columns):
        what = f"has the columns {', '.join(map(str, table.columns))}"
        raise LatentclustError.at(str(file), what, "Name the columns path and label")
    rows = table.assign(path=table["path"].map(_composed))[["path", "label"]].drop_duplicates()
    if (twice := rows["path"].duplicated()).any():
        what = f"gives {rows['path'][twice].iloc[0]!r} two labels"
        raise LatentclustError.at(str(file), what, "Write one row for each image")
    by_name = dict(zip(rows["path"], rows["label"], strict=True))
    composed = [_composed(name) for name in names]
    absent = sorted(set(by_name) - set(composed))
    if absent or not by_name:
        what = f"names {absent[0]!r}, which is no image of the folder" if absent else "contains no rows"
        raise LatentclustError.at(str(file), what, f"Write paths relative to the folder, such as {names[0]}")
    codes, classes = encode_labels(np.array([by_name.get(name, "") for name in composed]))
    if (codes == VOID).all():
        raise LatentclustError.at(str(file), "contains no labels", 'Fill the column label, or set data.labels = "none"')
    return codes, classes


def _composed(name: str) -> str:
    """Return a name with composed accents: file systems and editors write the same accent in two ways."""
    return normalize("NFC", name)
