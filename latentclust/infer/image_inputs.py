"""The user's images, from files, folders and arrays, as one source for a model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.data.roots import files_under
from latentclust.errors import LatentclustError
from latentclust.infer.file_sources import ArrayFileSource, ImageFilesSource, read_rows
from latentclust.specs.data import ImageSource
from latentclust.tensors import Shape

ARRAYS = frozenset({".csv", ".npy", ".npz"})
"""Suffixes of files with many samples."""

PICTURES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""Suffixes of image files that are read from a folder. A file that is named is read whatever its suffix."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """All samples with their origin.

    Attributes:
        source: The samples, in the order of the arguments.
        paths: File of each sample.
        rows: Row of each sample in its file, `(n,)`, counted from 0; 0 for an image file.
    """

    source: ImageSource
    paths: list[str]
    rows: NDArray[np.int64]


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


def open_inputs(
    paths: Iterable[Path], shape: Shape, resize: bool = False, range_: tuple[float, float] | None = None
) -> Inputs:
    """Open image files, folders with image files at any depth, and array files.

    Args:
        paths: Files and folders, in the order of the samples.
        shape: Shape of one sample as the model reads it, `(c, h, w)` or `(d,)`.
        resize: Whether images of another size are resized.
        range_: Values of arrays that are scaled to 0 and 1. Defaults to 0 and 255 for bytes, otherwise 0 and 1.

    Raises:
        LatentclustError: If a path is missing, empty or unreadable, or samples have an unsuitable shape.
    """
    files = [file for path in paths for file in _files(path)]
    if not files:
        raise LatentclustError.at("IMAGES", "no images were given", "Pass images, folders or array files")
    if range_ is not None and range_[0] >= range_[1]:
        raise LatentclustError.at(
            "--range", f"the range {range_[0]:g} to {range_[1]:g} is empty", "Pass the smaller value first"
        )
    links: list[ImageSource] = []
    names: list[tuple[Path, int]] = []
    for is_array, group in groupby(files, key=lambda file: file.suffix.lower() in ARRAYS):
        together = list(group)
        if is_array:
            found = [ArrayFileSource(path, read_rows(path), shape, resize, range_) for path in together]
            links.extend(found)
            names.extend((path, len(rows)) for path, rows in zip(together, found, strict=True))
        else:
            links.append(ImageFilesSource(together, shape, resize))
            names.extend((path, 1) for path in together)
    counts = [count for _, count in names]
    return Inputs(
        source=ConcatenatedSource(links),
        paths=[str(path) for path, count in names for _ in range(count)],
        rows=np.concatenate([np.arange(count) for count in counts]),
    )


def _files(path: Path) -> list[Path]:
    """Return a file, or the images of a folder, sorted, without hidden ones."""
    if not path.exists():
        raise LatentclustError.at(str(path), "does not exist", "Check the path")
    if not path.is_dir():
        return [path]
    files = files_under(path, PICTURES)
    if not files:
        raise LatentclustError.at(str(path), "contains no images", f"Images end in {', '.join(sorted(PICTURES))}")
    return files
