"""What sets published as files have in common: how they are looked for, opened, missed and downloaded."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from latentclust.api import ArraySource, DatasetSpec, ImageSet, LatentclustError, find_first, image_set, resized

Split = Literal["all", "train", "test"]
"""Which of the authors' parts are read; `all` is train followed by test."""

Part = Literal["train", "test"]


def parts(split: Split) -> tuple[Part, ...]:
    """The published parts that make up a split, in order."""
    return ("train", "test") if split == "all" else (split,)


class Published(DatasetSpec, ABC):
    """A set of files below a data root."""

    name: ClassVar[str]
    """What recipes and commands call it."""

    marks: ClassVar[tuple[str, ...]]
    """Glob patterns, below a root, of a file or folder that tells an accepted layout, in order of precedence."""

    origin: ClassVar[str]
    """Who publishes it."""

    downloads: ClassVar[bool] = False
    """Whether `fetch` can get it."""

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """The file or folder that tells where the set lies."""
        return find_first(roots, self.marks)

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Opens the set from the first root that holds it."""
        mark = self.located(roots)
        if mark is None:
            searched = ", ".join(str(root) for root in roots) or "no folder"
            what = f"{self.name} is in none of the data folders ({searched})"
            raise LatentclustError.at("data.use", what, self.advice())
        return self.read(mark)

    def advice(self) -> str:
        """What a user does who has not got the set."""
        command = f"Run `latentclust data fetch {self.name}`, or"
        get = command if self.downloads else f"Get it from {self.origin} and"
        return f"{get} lay out {self.layout} in one of them"

    @abstractmethod
    def read(self, mark: Path) -> ImageSet:
        """The set whose place `mark` tells; raises LatentclustError on missing or damaged files."""

    def fetch(self, root: Path) -> None:
        """Downloads the set into its layout below `root`, or says who publishes it."""
        if not self.downloads:
            what = f"{self.name} has no download with a known checksum"
            raise LatentclustError.at("data fetch", what, f"Get it from {self.origin}; lay out {self.layout} in {root}")
        try:
            self.download(root)
        except (OSError, RuntimeError, ValueError) as error:
            what = f"{self.name} could not be downloaded ({' '.join(str(error).split())})"
            fix = f"Check the connection, or lay out {self.layout} in {root} by hand"
            raise LatentclustError.at("data fetch", what, fix) from error

    def download(self, root: Path) -> None:
        """Gets the files, checking their sums."""
        raise NotImplementedError


class PublishedImages(Published, ABC):
    """A set of images that fits in memory."""

    size: PositiveInt | None = None
    """Side in pixels of the square that every image is resized to; the published size unless said."""

    classes: ClassVar[tuple[str, ...]]
    """The published class names, in label order."""

    def read(self, mark: Path) -> ImageSet:
        """The images, resized where asked, and their labels."""
        images, labels = self.images(mark)
        source = ArraySource(resized(images, self.size) if self.size else images, str(mark))
        return image_set(source, labels, self.class_names, str(mark))

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names, in label order, under these options."""
        return self.classes

    @abstractmethod
    def images(self, mark: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Images `(n, c, h, w)` and labels `(n,)`, 0-based."""


def joined(
    read: Callable[[Part], tuple[NDArray[Any], NDArray[Any]]], split: Split
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Samples and labels of a split, its parts one after the other."""
    samples, labels = zip(*(read(part) for part in parts(split)), strict=True)
    return np.concatenate(samples), np.concatenate(labels)
