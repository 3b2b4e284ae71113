"""The user's images, from files, folders and arrays, as one source for a model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.data.image_files import IMAGE_SUFFIXES, WHITE, FileSource, Ground, find_images
from latentclust.data.sources import UINT8_MAX
from latentclust.errors import Issue, LatentclustError
from latentclust.infer.file_sources import ArrayFileSource, ImageFilesSource, read_rows
from latentclust.specs.data import ImageSource
from latentclust.specs.parts import DatasetSpec
from latentclust.tensors import Shape

ARRAYS = frozenset({".csv", ".h5ad", ".mat", ".npy", ".npz", ".tsv"})
"""Suffixes of files with many samples."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a model's training images were read, which its inputs repeat.

    Attributes:
        resize: Whether images of another size are resized.
        range: Values of arrays that are scaled to 0 and 1. None: 0 and 255 for bytes, otherwise 0 and 1.
        ground: Colour under transparent pixels, as RGB.
        skip_bad: Whether image files that cannot be read are left out.
        dataset: Data set of the training, which may read array files in a way of its own.
    """

    resize: bool = False
    range: tuple[float, float] | None = None
    ground: Ground = WHITE
    skip_bad: bool = False
    dataset: DatasetSpec | None = field(default=None, compare=False)

    @classmethod
    def of(cls, dataset: DatasetSpec) -> "Reading":
        """Return the reading of a data set, from its options `size`, `range` and `background` if it has them."""
        options = dataset.model_dump()
        ground = options.get("background", WHITE)
        return cls(options.get("size") is not None, options.get("range"), ground, dataset=dataset)

    def rows(self, path: Path, shape: Shape) -> NDArray[Any]:
        """Return the samples of an array file, unscaled. Raise LatentclustError if it is damaged."""
        own = None if self.dataset is None else self.dataset.read_array(path, shape)
        return read_rows(path) if own is None else own


@dataclass(frozen=True, slots=True)
class Inputs:
    """All samples with their origin.

    Attributes:
        source: The samples, in the order of the arguments.
        paths: File of each sample.
        rows: Row of each sample in its file, `(n,)`, counted from 0; 0 for an image file.
        skipped: Why each file that was left out cannot be read.
        notes: Sentences about what the folders and files contain and is not read.
    """

    source: ImageSource
    paths: list[str]
    rows: NDArray[np.int64]
    skipped: tuple[Issue, ...] = ()
    notes: tuple[str, ...] = ()


class ConcatenatedSource(ImageSource):
    """A concatenation of sources of the same shape and type.

    Args:
        links: The sources, at least one.
    """

    def __init__(self, links: Sequence[ImageSource]) -> None:
        self.shape, self.dtype = links[0].shape, links[0].dtype
        self._links = tuple(links)
        self._ends = np.cumsum([len(link) for link in links])

    def __len__(self) -> int:
        """Return the total number of samples."""
        return int(self._ends[-1])

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return the samples of the given indices."""
        samples = np.empty((len(indices), *self.shape), self.dtype)
        owners = np.searchsorted(self._ends, indices, side="right")
        for owner in np.unique(owners):
            own = owners == owner
            link = self._links[owner]
            samples[own] = link.read(indices[own] - (self._ends[owner] - len(link)))
        return samples


def open_inputs(paths: Iterable[Path], shape: Shape, reading: Reading | None = None) -> Inputs:
    """Open image files, folders with image files at any depth, and array files.

    Args:
        paths: Files and folders, in the order of the samples.
        shape: Shape of one sample as the model reads it, `(c, h, w)` or `(d,)`.
        reading: How they are read. Defaults to images of the model's size and the usual ranges.

    Raises:
        LatentclustError: If a path is missing, empty or unreadable, or samples have an unsuitable shape.
    """
    reading = reading or Reading()
    notes: list[str] = []
    files = [file for path in paths for file in _files(path, notes)]
    if not files:
        raise LatentclustError.at("IMAGES", "no images were given", "Pass images, folders or array files")
    low, high = reading.range or (0.0, 1.0)
    if not (isfinite(low) and isfinite(high) and low < high):
        what = f"the range {low:g} to {high:g} is empty or not finite"
        raise LatentclustError.at("--range", what, "Pass the smaller value first")
    files, skipped = _readable(files) if reading.skip_bad else (files, ())
    links: list[ImageSource] = []
    names: list[tuple[Path, int]] = []
    for is_array, group in groupby(files, key=is_array_file):
        together = list(group)
        if is_array:
            found = [
                ArrayFileSource(path, reading.rows(path, shape), shape, reading.resize, reading.range)
                for path in together
            ]
            links.extend(found)
            names.extend((path, len(rows)) for path, rows in zip(together, found, strict=True))
        else:
            _check_byte_range(together[0], reading.range)
            images = ImageFilesSource(together, shape, reading.resize, reading.ground)
            links.append(images)
            notes.extend(images.notes)
            names.extend((path, 1) for path in together)
    counts = [count for _, count in names]
    return Inputs(
        source=ConcatenatedSource(links),
        paths=[str(path) for path, count in names for _ in range(count)],
        rows=np.concatenate([np.arange(count) for count in counts]),
        skipped=skipped,
        notes=tuple(notes),
    )


def is_array_file(path: Path) -> bool:
    """Return whether a file holds several samples, by its suffix."""
    return path.suffix.lower() in ARRAYS


def _readable(files: Sequence[Path]) -> tuple[list[Path], tuple[Issue, ...]]:
    """Return the files without the images that cannot be decoded, and why.

    Raises:
        LatentclustError: If no file is left.
    """
    kept: list[Path] = []
    skipped: list[Issue] = []
    for path in files:
        try:
            if not is_array_file(path):
                FileSource([path], where=str(path)).read(np.zeros(1, np.int64))
            kept.append(path)
        except LatentclustError as error:
            skipped.extend(error.issues)
    if not kept:
        raise LatentclustError(*skipped)
    return kept, tuple(skipped)


def _check_byte_range(path: Path, range_: tuple[float, float] | None) -> None:
    """Raise LatentclustError if the model was trained on values of another range than those of image files."""
    if range_ is not None and range_ != (0.0, float(UINT8_MAX)):
        what = f"has values from 0 to 255, but values from {range_[0]:g} to {range_[1]:g} are read as 0 and 1"
        fix = "Use an array file with the values of the training data, or pass --range 0 255"
        raise LatentclustError.at(str(path), what, fix)


def _files(path: Path, notes: list[str]) -> list[Path]:
    """Return a file, or the images of a folder, sorted, without hidden ones. Add what is to be said of the folder."""
    path = path.expanduser()
    if not path.exists():
        raise LatentclustError.at(str(path), "does not exist", "Check the path")
    if not path.is_dir():
        if not path.is_file():
            raise LatentclustError.at(str(path), "is not a regular file", "Name a file or a folder")
        return [path]
    found = find_images(path)
    if not found.paths:
        what = "; ".join(("contains no images", *found.notes))
        raise LatentclustError.at(str(path), what, f"Images end in {', '.join(sorted(IMAGE_SUFFIXES))}")
    notes.extend(f"{path}: {note}" for note in found.notes)
    return found.paths
