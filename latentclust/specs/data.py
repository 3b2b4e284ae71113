"""Opened data sets: samples by index, and sealed ground truth."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.errors import LatentclustError
from latentclust.specs.scenes import Scene
from latentclust.tensors import Shape

VOID = -1
"""Label of a sample or pixel without ground truth. It does not count in any score."""


class SealedLabels:
    """Ground-truth labels that only `latentclust.evaluate` may read. Training never receives them.

    Args:
        labels: 0-based classes `(n,)`, or `VOID`.
    """

    __slots__ = ("_labels",)

    def __init__(self, labels: NDArray[np.int64]) -> None:
        self._labels = labels

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._labels)

    def part(self, indices: NDArray[np.int64]) -> "SealedLabels":
        """Return the sealed labels of some samples."""
        return SealedLabels(self._labels[indices])

    def unseal(self) -> NDArray[np.int64]:
        """Return the labels `(n,)`. Only `latentclust/evaluate` may call this, which a test asserts."""
        return self._labels


class ImageSource(ABC):
    """Random access to samples by index.

    Attributes:
        shape: Shape of one sample: `(c, h, w)` for images or `(d,)` for vectors.
        dtype: uint8 for images, float32 for vectors.
        preprocessed: Whether the samples are what the networks read, such as the features in a bank.
    """

    shape: Shape
    dtype: np.dtype[Any]
    preprocessed: bool = False

    @property
    def files(self) -> tuple[Path, ...]:
        """File of each sample, by which a resumed training notices changes. Empty: by the values of the samples."""
        return ()

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of samples."""

    @abstractmethod
    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return samples `(len(indices), *shape)` in the order of `indices`.

        Raises:
            LatentclustError: If a file is missing or damaged.
        """


class MapSource(ABC):
    """Random access to label maps by image index."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of maps."""

    @abstractmethod
    def read(self, indices: NDArray[np.int64]) -> NDArray[np.int16]:
        """Return maps `(len(indices), h, w)` in the order of `indices`: 0-based classes, or `VOID`."""


class SealedMaps:
    """Ground-truth label maps that only `latentclust.evaluate` may read, a few at a time.

    Args:
        source: The label maps.
        indices: Maps of the source to keep, in order. Defaults to all.
    """

    __slots__ = ("_indices", "_source")

    def __init__(self, source: MapSource, indices: NDArray[np.int64] | None = None) -> None:
        self._source = source
        self._indices = indices

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._source if self._indices is None else self._indices)

    def part(self, indices: NDArray[np.int64]) -> "SealedMaps":
        """Return the sealed label maps of some images."""
        return SealedMaps(self._source, indices if self._indices is None else self._indices[indices])

    def unseal(self, indices: NDArray[np.int64]) -> NDArray[np.int16]:
        """Return the label maps `(m, h, w)` of some images. Only `latentclust/evaluate` may call this."""
        return self._source.read(indices if self._indices is None else self._indices[indices])


class MaskSource(ABC):
    """Random access to masks by image index. Nodata pixels and those that a protocol excludes are not valid.

    Attributes:
        reads_labels: Whether ground truth decides which pixels are valid, as in COCO-Stuff's protocols. A report
            states it.
    """

    reads_labels: bool = False

    @abstractmethod
    def read(self, indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return masks `(len(indices), h, w)` in the order of `indices`; true for valid pixels."""


@dataclass(frozen=True, slots=True)
class DataProtocol:
    """A published rule to prepare and score a data set, so that results can be compared with published ones.

    Attributes:
        name: Name of the protocol, such as `iic-potsdam3`.
        version: Version, incremented whenever the same files would give other tiles or labels.
        summary: Resampling, tiles, merged classes and masks in one sentence.
        digest: First hexadecimal digits of a hash over the scored tiles; empty if not computed.
    """

    name: str
    version: int
    summary: str
    digest: str = ""

    def __str__(self) -> str:
        """Return name, version, summary and hash in one line."""
        split = f", tiles {self.digest}" if self.digest else ""
        return f"{self.name}@{self.version} ({self.summary}{split})"


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive samples of a published split.

    Attributes:
        split: Published split, or `all`.
        start: Number of samples of the split before the first.
        stop: Number of samples of the split up to the last. None: all.
        of: Published number of samples of the split. None: any number.
    """

    split: str
    start: int = 0
    stop: int | None = None
    of: int | None = None

    def __str__(self) -> str:
        """Return the samples in words, such as `the last 1,000 samples of train`."""
        if self.stop is None and not self.start:
            return self.split
        if self.stop is None and self.of is not None:
            return f"the last {self.of - self.start:,} samples of {self.split}"
        last = "the last" if self.stop is None else f"{self.stop:,}"
        return f"samples {self.start + 1:,} to {last} of {self.split}"

    def indices(self, count: int) -> NDArray[np.int64]:
        """Return the positions of the samples in a split of `count` samples.

        Raises:
            LatentclustError: If the split does not have the published number of samples.
        """
        if self.of not in (None, count):
            what = f"requires the {self.of:,} published samples of {self.split!r}, got {count:,}"
            raise LatentclustError.at(
                "data.protocol", what, "Use the complete published files, or name another protocol"
            )
        return np.arange(self.start, count if self.stop is None else self.stop, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class SplitProtocol:
    """A named rule which samples of a data set are trained on and which are scored.

    Attributes:
        name: Name in reports, such as `clustergan-pendigits`.
        trained: Samples to train on.
        scored: Samples to score.
        options: Options of the data set that the protocol requires, by key.
    """

    name: str
    trained: Rows
    scored: Rows
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImageSet:
    """An opened data set.

    Attributes:
        source: The samples.
        labels: Sealed ground truth with one class or one label map per sample. None for an unlabelled set.
        classes: Class names in label order; empty if unknown.
        valid: Masks of valid pixels. None if all pixels are valid.
        protocol: Published protocol by which the samples were made. None for other sets.
        scenes: Rasters that the samples are windows of; empty for other sets.
        paths: File of each sample, relative to the data's folder; empty if the samples are rows of one file.
        notes: Sentences about what the user may not expect, such as files that were passed over or missing labels.
        features: Features of the samples, `(d,)` each, from a feature bank. None if they are not stored.
    """

    source: ImageSource
    labels: SealedLabels | SealedMaps | None
    classes: tuple[str, ...] = ()
    valid: MaskSource | None = None
    protocol: DataProtocol | None = None
    scenes: tuple[Scene, ...] = ()
    paths: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    features: ImageSource | None = None

    @property
    def inputs(self) -> ImageSource:
        """What the networks read: stored features if there are any, or else the samples, which are preprocessed."""
        return self.features or self.source
