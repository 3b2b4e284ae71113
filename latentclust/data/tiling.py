"""Data sets whose tiles are cut from raw files by a named protocol, unit by unit."""

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from latentclust.errors import LatentclustError
from latentclust.specs.data import VOID, DataProtocol
from latentclust.specs.parts import DatasetSpec
from latentclust.tensors import Shape

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Tiles:
    """The tiles of a unit; none if the protocol excludes the complete unit.

    Attributes:
        images: Tiles, uint8 `(n, c, h, w)`; all tiles of a data set have the same shape `(c, h, w)`.
        labels: Label maps, int16 `(n, h, w)`, 0-based classes or `VOID`. None without ground truth.
        valid: Valid pixels, `(n, h, w)` bool. None if all are valid. Labels of invalid pixels are `VOID`.
        skipped: Number of inputs that the protocol excludes, by reason: `{"a side below 360 pixels": 3}`.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int16] | None = None
    valid: NDArray[np.bool_] | None = None
    skipped: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def none(cls, reason: str, count: int = 1) -> "Tiles":
        """Return no tiles, because `count` inputs are excluded for one reason."""
        return cls(np.empty((0, 0, 0, 0), np.uint8), skipped={reason: count})

    def __len__(self) -> int:
        """Return the number of tiles."""
        return len(self.images)


@dataclass(frozen=True, slots=True)
class Unit:
    """A part of the raw files that is cut, written and resumed as one: a scene, a pair of files or several pairs.

    Attributes:
        key: Unique name in file names and messages, such as `2_10`: letters, digits, `.`, `_` and `-`.
        make: Returns the tiles, a few hundred MiB at most. It raises LatentclustError that names a damaged file.
        inputs: Files that `make` reads, so that changes in them are noticed.
    """

    key: str
    make: Callable[[], Tiles]
    inputs: tuple[Path, ...] = ()


class TiledDatasetSpec(DatasetSpec, ABC):
    """A data set whose tiles are cut from the published raw files by a named protocol."""

    name: ClassVar[str]
    """Name in recipes and commands."""

    @abstractmethod
    def facts(self) -> DataProtocol:
        """Return the protocol for the current options. Its `digest` is set when the tiles have been cut."""

    @property
    @abstractmethod
    def class_names(self) -> tuple[str, ...]:
        """Class names in label order, for the current options."""

    @abstractmethod
    def units(self, origin: Path) -> Sequence[Unit]:
        """Return the units of the raw files below a folder, in a fixed order. Only names and headers are read.

        Args:
            origin: Folder of the raw files.

        Raises:
            LatentclustError: If files are missing or inconsistent.
        """

    @property
    def masks_by_labels(self) -> bool:
        """Whether ground truth decides which pixels are valid. A report states it."""
        return False


def units_of(spec: TiledDatasetSpec, origin: Path) -> tuple[Unit, ...]:
    """Return the units of a folder, with unique keys that are valid file names.

    Raises:
        LatentclustError: If the folder does not exist, `spec.units` raises, there are no units, or a key is invalid.
    """
    if not origin.is_dir():
        raise LatentclustError.at(str(origin), "is not a folder", f"Use the folder that contains {spec.layout}")
    units = tuple(spec.units(origin))
    if not units:
        raise LatentclustError.at(str(origin), f"contains no files of {spec.name}", f"Put {spec.layout} there")
    key, count = Counter(unit.key.casefold() for unit in units).most_common(1)[0]
    unfit = [unit.key for unit in units if not _FILE_NAME.fullmatch(unit.key)]
    if count > 1 or unfit:
        what = f"the key {unfit[0]!r} is not a file name" if unfit else f"{count} units have the key {key!r}"
        raise LatentclustError.at(f"{spec.name}, {origin}", what, "Give each file or scene a unique plain name")
    return units


def cut(unit: Unit, classes: int, shape: Shape | None = None) -> Tiles:
    """Return the checked tiles of a unit.

    Args:
        unit: The unit.
        classes: Number of classes.
        shape: Shape of the previous tiles. None for the first unit.

    Raises:
        LatentclustError: If a file is damaged, or the tiles have another form than `Tiles` requires or another shape.
    """
    tiles = unit.make()
    wrong = _problem(tiles, classes, shape) if len(tiles) else None
    if wrong:
        raise LatentclustError.at(f"tiles of {unit.key}", wrong, "Fix the `units` of the data set, or report the error")
    return tiles


def _problem(tiles: Tiles, classes: int, shape: Shape | None) -> str | None:
    images, labels, valid = tiles.images, tiles.labels, tiles.valid
    if images.ndim != 4 or images.dtype != np.uint8 or images.size == 0:
        return f"images of type {images.dtype} and shape {images.shape}, not uint8 (n, c, h, w)"
    if shape is not None and images.shape[1:] != shape:
        return f"images of shape {images.shape[1:]}, after others of shape {shape}"
    maps = (len(images), *images.shape[2:])
    if valid is not None and (valid.dtype != np.bool_ or valid.shape != maps):
        return f"masks of type {valid.dtype} and shape {valid.shape}, not bool {maps}"
    if labels is None:
        return None
    if labels.dtype != np.int16 or labels.shape != maps:
        return f"label maps of type {labels.dtype} and shape {labels.shape}, not int16 {maps}"
    low, high = int(labels.min()), int(labels.max())
    return f"labels from {low} to {high} for {classes} classes" if low < VOID or high >= classes else None


def with_skipped(facts: DataProtocol, skipped: Mapping[str, int], digest: str) -> DataProtocol:
    """Return a protocol with the hash of its scored tiles and a summary that lists the excluded inputs."""
    excluded = "".join(f"; left out {count:,}: {reason}" for reason, count in sorted(skipped.items()))
    return DataProtocol(facts.name, facts.version, facts.summary + excluded, digest)
