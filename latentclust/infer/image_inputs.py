"""Images of the user's own, given as files, folders and arrays, as one source that suits a model."""

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
"""Files that hold many samples each."""

PICTURES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""What is taken from a folder; a file that is named is read whatever its suffix."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """All samples, and where each is from.

    Attributes:
        source: The samples, in the order given.
        paths: The file of each sample.
        rows: Its row in that file, `(n,)`, from 0; 0 for an image file.
    """

    source: ImageSource
    paths: list[str]
    rows: NDArray[np.int64]


class ConcatenatedSource(ImageSource):
    """Sources of one shape and type, one after the other."""

    def __init__(self, links: Sequence[ImageSource]) -> None:
        """At least one source."""
        self.shape, self.dtype = links[0].shape, links[0].dtype
        self._links = tuple(links)
        self._ends = np.cumsum([len(link) for link in links])

    def __len__(self) -> int:
        """Samples in all."""
        return int(self._ends[-1])

    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """The samples asked for, each from its own source."""
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
    """Opens what the user names: image files, folders of them at any depth, and array files.

    Args:
        paths: In the order in which the samples are wanted.
        shape: Shape of one sample as the model reads it, `(c, h, w)` or `(d,)`.
        resize: Whether images of another size are brought to it; otherwise they are refused.
        range_: The values of arrays that become 0 and 1; 0 and 255 for bytes, 0 and 1 for all else, unless given.

    Raises:
        LatentclustError: A path that is absent, empty or unreadable, or samples that do not suit the model.
    """
    files = [file for path in paths for file in _files(path)]
    if not files:
        raise LatentclustError.at("IMAGES", "nothing is given", "Name images, folders or array files")
    if range_ is not None and range_[0] >= range_[1]:
        raise LatentclustError.at(
            "--range", f"{range_[0]:g} to {range_[1]:g} is no range", "Give the lesser value first"
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
    """A file as it is; a folder's images, sorted, hidden ones passed over."""
    if not path.exists():
        raise LatentclustError.at(str(path), "there is no such file or folder", "Check the path")
    if not path.is_dir():
        return [path]
    files = files_under(path, PICTURES)
    if not files:
        raise LatentclustError.at(str(path), "holds no images", f"Images end in {', '.join(sorted(PICTURES))}")
    return files
