"""Data sets that are cut from raw files into tiles by a named protocol, unit by unit."""

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
    """What a unit is cut into; of no tile at all where a protocol leaves the whole unit out.

    Attributes:
        images: uint8 `(n, c, h, w)`; one shape `(c, h, w)` in the whole set.
        labels: int16 `(n, h, w)`, 0-based classes or `VOID`; None where there is no ground truth, or it is not used.
        valid: `(n, h, w)`, true where a pixel counts, in training too; None where all do. What is not valid is `VOID`.
        skipped: How many inputs the protocol left out, by reason: `{"a side below 360 pixels": 3}`.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int16] | None = None
    valid: NDArray[np.bool_] | None = None
    skipped: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def none(cls, reason: str, count: int = 1) -> "Tiles":
        """No tile: `count` inputs were left out for one reason."""
        return cls(np.empty((0, 0, 0, 0), np.uint8), skipped={reason: count})

    def __len__(self) -> int:
        """How many tiles there are."""
        return len(self.images)


@dataclass(frozen=True, slots=True)
class Unit:
    """A scene, a pair of files or a chunk of pairs: what is made, written and taken up again as one.

    Attributes:
        key: Its name in file names and messages, unlike any other's: letters, digits, `.`, `_`, `-`; such as `2_10`.
        make: Cuts it, a few hundred MiB at the most at a time; raises LatentclustError that names a damaged file.
        inputs: The files it reads, so that a change in them is noticed.
    """

    key: str
    make: Callable[[], Tiles]
    inputs: tuple[Path, ...] = ()


class TiledDatasetSpec(DatasetSpec, ABC):
    """A data set whose tiles are made from raw files, as delivered, by a named protocol."""

    name: ClassVar[str]
    """What recipes and commands call it."""

    @abstractmethod
    def facts(self) -> DataProtocol:
        """The protocol under these options; its `digest` is filled in when the tiles are there."""

    @property
    @abstractmethod
    def class_names(self) -> tuple[str, ...]:
        """Class names, in label order, under these options."""

    @abstractmethod
    def units(self, origin: Path) -> Sequence[Unit]:
        """The units of the raw files below a folder, in a fixed order; reads names and headers, no pixels.

        Raises:
            LatentclustError: No such files, or files that do not fit together.
        """

    @property
    def masks_by_labels(self) -> bool:
        """Whether ground truth decides which pixels count; a report says so."""
        return False


def units_of(spec: TiledDatasetSpec, origin: Path) -> tuple[Unit, ...]:
    """The units of a folder, at least one, their keys unlike one another and fit for file names.

    Raises:
        LatentclustError: No folder, what `spec.units` objects to, no unit, or a key that will not do.
    """
    if not origin.is_dir():
        raise LatentclustError.at(str(origin), "is no folder", f"Name the folder that holds {spec.layout}")
    units = tuple(spec.units(origin))
    if not units:
        raise LatentclustError.at(str(origin), f"nothing of {spec.name} below it", f"Lay out {spec.layout} there")
    key, count = Counter(unit.key.casefold() for unit in units).most_common(1)[0]
    unfit = [unit.key for unit in units if not _FILE_NAME.fullmatch(unit.key)]
    if count > 1 or unfit:
        what = f"the key {unfit[0]!r} is no file name" if unfit else f"{count} units with the key {key!r}"
        raise LatentclustError.at(f"{spec.name}, {origin}", what, "Give each file or scene a plain name of its own")
    return units


def cut(unit: Unit, classes: int, shape: Shape | None = None) -> Tiles:
    """The tiles of a unit, checked.

    Args:
        unit: To be made.
        classes: How many classes labels may name.
        shape: That of the tiles before it; None for the first.

    Raises:
        LatentclustError: A damaged file, or tiles that are not what `Tiles` says or of another shape.
    """
    tiles = unit.make()
    wrong = _objection(tiles, classes, shape) if len(tiles) else None
    if wrong:
        raise LatentclustError.at(f"tiles of {unit.key}", wrong, "Mend the data set's `units`, or report it")
    return tiles


def _objection(tiles: Tiles, classes: int, shape: Shape | None) -> str | None:
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
    """A protocol with the hash of its scored tiles, its summary followed by what it left out."""
    left_out = "".join(f"; left out {count:,}: {reason}" for reason, count in sorted(skipped.items()))
    return DataProtocol(facts.name, facts.version, facts.summary + left_out, digest)
