"""Base classes of published data sets: search, opening, download, and advice if files are missing."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt, model_validator

from latentclust.api import (
    ArraySource,
    DatasetSpec,
    ImageSet,
    LatentclustError,
    Rows,
    SealedLabels,
    SplitProtocol,
    find_first,
    image_set,
    resized,
)

Split = Literal["all", "train", "test"]
"""Published splits. `all` is train followed by test."""

Part = Literal["train", "test"]


def parts(split: Split) -> tuple[Part, ...]:
    """Return the published parts of a split, in order."""
    return ("train", "test") if split == "all" else (split,)


class Published(DatasetSpec, ABC):
    """A published data set in files below a data folder."""

    name: ClassVar[str]
    """Name in recipes and commands."""

    marks: ClassVar[tuple[str, ...]]
    """Glob patterns below a data folder of the files or folders that identify an accepted layout, by precedence."""

    origin: ClassVar[str]
    """Publisher of the data set."""

    downloads: ClassVar[bool] = False
    """Whether `fetch` can download it."""

    protocols: ClassVar[Mapping[str, SplitProtocol]] = {}
    """Named protocols of training and scoring, by the value of the option `protocol`."""

    def split_protocol(self) -> SplitProtocol | None:
        """Return the protocol that the option `protocol` names, or None."""
        return self.protocols.get(str(getattr(self, "protocol", None)))

    @model_validator(mode="after")
    def _agrees_with_its_protocol(self) -> "Published":
        """Refuse options that contradict the named protocol."""
        protocol = self.split_protocol()
        if protocol is None:
            return self
        split = {"split": protocol.trained.split} if "split" in self.model_fields_set else {}
        for key, wanted in (split | dict(protocol.options)).items():
            found = getattr(self, key)
            if found != wanted:
                what = f"is {json.dumps(found)}, but the protocol {protocol.name} requires {json.dumps(wanted)}"
                raise LatentclustError.at(key, what, f"Set it to {json.dumps(wanted)}, or name another data.protocol")
        return self

    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """Return the file or folder that identifies the layout, or None if the data set is not found."""
        return find_first(roots, self.marks)

    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Open the data set from the first data folder that contains it; by a protocol the samples to train on."""
        protocol = self.split_protocol()
        mark = self._found(roots)
        return self.read(mark) if protocol is None else self._read_rows(mark, protocol.trained)

    def open_scored(self, roots: tuple[Path, ...]) -> ImageSet:
        """Open the samples that the protocol scores; without a protocol those of `open`."""
        protocol = self.split_protocol()
        return self.open(roots) if protocol is None else self._read_rows(self._found(roots), protocol.scored)

    def _read_rows(self, mark: Path, rows: Rows) -> ImageSet:
        """Return some samples of a published split."""
        opened = self.model_copy(update={"split": rows.split, "protocol": None}).read(mark)
        indices = rows.indices(len(opened.source))
        if len(indices) == len(opened.source):
            return opened
        assert isinstance(opened.labels, SealedLabels), "published samples have one label each"
        source = ArraySource(opened.source.read(indices), str(mark))
        return replace(opened, source=source, labels=opened.labels.part(indices), paths=())

    def _found(self, roots: tuple[Path, ...]) -> Path:
        """Return what identifies the layout. Raise LatentclustError if the data set is not found."""
        mark = self.located(roots)
        if mark is None:
            searched = ", ".join(str(root) for root in roots) or "no folder"
            what = f"{self.name} was not found in the data folders ({searched})"
            raise LatentclustError.at("data.use", what, self.advice())
        return mark

    def advice(self) -> str:
        """Return how to get and arrange the files."""
        command = f"Run `latentclust data fetch {self.name}`, or"
        get = command if self.downloads else f"Get it from {self.origin} and"
        return f"{get} lay out {self.layout} in one of them"

    @abstractmethod
    def read(self, mark: Path) -> ImageSet:
        """Read the data set found at `mark`. Raise LatentclustError if files are missing or damaged."""

    def fetch(self, root: Path) -> None:
        """Download the data set to `root`. Raise LatentclustError if it has no download or the download fails."""
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
        """Download the files and check their checksums."""
        raise NotImplementedError


class PublishedImages(Published, ABC):
    """A published data set of images that fits in memory."""

    size: PositiveInt | None = None
    """Side in pixels of the square that every image is resized to. Defaults to the published size."""

    classes: ClassVar[tuple[str, ...]]
    """Published class names, in label order."""

    def read(self, mark: Path) -> ImageSet:
        """Return the images, resized to `size`, and their labels."""
        images, labels = self.images(mark)
        source = ArraySource(resized(images, self.size) if self.size else images, str(mark))
        return image_set(source, labels, self.class_names, str(mark))

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names with these options, in label order."""
        return self.classes

    @abstractmethod
    def images(self, mark: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Return images `(n, c, h, w)` and labels `(n,)`, 0-based."""


def concatenate_parts(
    read: Callable[[Part], tuple[NDArray[Any], NDArray[Any]]], split: Split
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the concatenated samples and labels of the parts of a split."""
    samples, labels = zip(*(read(part) for part in parts(split)), strict=True)
    return np.concatenate(samples), np.concatenate(labels)
