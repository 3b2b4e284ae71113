"""What an opened data set is: samples by index, and ground truth behind a seal."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.tensors import Shape

VOID = -1
"""The label of a sample, or pixel, that has no ground truth; it is not counted."""


class SealedLabels:
    """Ground truth behind a seal: only `latentclust.evaluate` opens it, and training never holds it."""

    __slots__ = ("_labels",)

    def __init__(self, labels: NDArray[np.int64]) -> None:
        """Seals labels `(n,)`, 0-based classes."""
        self._labels = labels

    def __len__(self) -> int:
        """Of how many samples they are."""
        return len(self._labels)

    def part(self, indices: NDArray[np.int64]) -> "SealedLabels":
        """Those of some samples, sealed as before."""
        return SealedLabels(self._labels[indices])

    def unseal(self) -> NDArray[np.int64]:
        """The labels `(n,)`. Called in `latentclust/evaluate` and nowhere else, which a test asserts."""
        return self._labels


class ImageSource(ABC):
    """Samples by index, wherever they lie.

    Attributes:
        shape: Shape of one sample: `(c, h, w)` or `(d,)`.
        dtype: uint8 for images, float32 for vectors.
    """

    shape: Shape
    dtype: np.dtype[Any]

    @abstractmethod
    def __len__(self) -> int:
        """How many samples there are."""

    @abstractmethod
    def read(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """The samples `(len(indices), *shape)` in the order asked for."""


class MapSource(ABC):
    """A label map for each image, by index, wherever they lie."""

    @abstractmethod
    def __len__(self) -> int:
        """How many maps there are."""

    @abstractmethod
    def read(self, indices: NDArray[np.int64]) -> NDArray[np.int16]:
        """The label maps `(len(indices), h, w)` in the order asked for: 0-based classes, or `VOID`."""


class SealedMaps:
    """Label maps behind the same seal as `SealedLabels`, read a few at a time."""

    __slots__ = ("_indices", "_source")

    def __init__(self, source: MapSource, indices: NDArray[np.int64] | None = None) -> None:
        """Seals the maps of a source: those of `indices`, or all in its own order."""
        self._source = source
        self._indices = indices

    def __len__(self) -> int:
        """Of how many images they are."""
        return len(self._source if self._indices is None else self._indices)

    def part(self, indices: NDArray[np.int64]) -> "SealedMaps":
        """Those of some images, sealed as before."""
        return SealedMaps(self._source, indices if self._indices is None else self._indices[indices])

    def unseal(self, indices: NDArray[np.int64]) -> NDArray[np.int16]:
        """The label maps `(m, h, w)` of some images. Called in `latentclust/evaluate` and nowhere else."""
        return self._source.read(indices if self._indices is None else self._indices[indices])


class MaskSource(ABC):
    """Which pixels of each image are data, by index: nodata and what a protocol leaves out are not.

    Attributes:
        reads_labels: Whether ground truth decides it, as in COCO-Stuff's protocols; a report says so.
    """

    reads_labels: bool = False

    @abstractmethod
    def read(self, indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        """The masks `(len(indices), h, w)`, true where a pixel counts, in the order asked for."""


@dataclass(frozen=True, slots=True)
class DataProtocol:
    """A published way to prepare and score a data set, by name, so that numbers can be set beside others'.

    Attributes:
        name: Such as `iic-potsdam3`.
        version: Counted up whenever the same files would give other tiles or labels.
        summary: Resampling, tiles, merges and masks in one sentence.
        digest: The first hexadecimal digits of a hash over the tiles that are scored; empty where it was not computed.
    """

    name: str
    version: int
    summary: str
    digest: str = ""

    def __str__(self) -> str:
        """Name, version, summary and hash in one line."""
        split = f", tiles {self.digest}" if self.digest else ""
        return f"{self.name}@{self.version} ({self.summary}{split})"


@dataclass(frozen=True, slots=True)
class ImageSet:
    """An opened data set.

    Attributes:
        source: The samples.
        labels: Sealed ground truth, one class or one map a sample, or None where there is none.
        classes: The class names, in label order; empty where unknown.
        valid: Which pixels count, or None where all do.
        protocol: By which published protocol the samples were made, or None.
        scenes: The rasters that the samples are windows of, where they are.
    """

    source: ImageSource
    labels: SealedLabels | SealedMaps | None
    classes: tuple[str, ...] = ()
    valid: MaskSource | None = None
    protocol: DataProtocol | None = None
    scenes: tuple[Path, ...] = field(default=())
