"""Tiled data sets small enough to be made whole in memory, and how scored tiles are told apart by a hash."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentclust.data.sources import ArraySource, image_set
from latentclust.data.tiling import TiledDatasetSpec, Tiles, cut, units_of, with_skipped
from latentclust.errors import LatentclustError
from latentclust.specs.data import VOID, ImageSet, MapSource, MaskSource, SealedMaps
from latentclust.tensors import Shape

DIGEST_DIGITS = 12
"""Hexadecimal digits of a protocol's hash that are shown."""


class ArrayMaps(MapSource):
    """Label maps in memory."""

    def __init__(self, maps: NDArray[np.int16]) -> None:
        """Holds maps `(n, h, w)`: 0-based classes or `VOID`."""
        self._maps = maps

    def __len__(self) -> int:
        """How many maps there are."""
        return len(self._maps)

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.int16]:
        """A copy of the maps `(len(indices), h, w)`."""
        return self._maps[indices]


class ArrayMasks(MaskSource):
    """Masks in memory.

    Attributes:
        reads_labels: Whether ground truth decides what counts.
    """

    def __init__(self, masks: NDArray[np.bool_], reads_labels: bool = False) -> None:
        """Holds masks `(n, h, w)`, true where a pixel counts."""
        self._masks = masks
        self.reads_labels = reads_labels

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        """A copy of the masks `(len(indices), h, w)`."""
        return self._masks[indices]


def in_memory(spec: TiledDatasetSpec, origin: Path) -> ImageSet:
    """The whole set, its tiles made from the raw files in a folder.

    Raises:
        LatentclustError: Raw files that are absent, damaged or do not fit together, no tile, or tiles all the same.
    """
    made: list[Tiles] = []
    skipped: Counter[str] = Counter()
    shape: Shape | None = None
    for unit in units_of(spec, origin):
        tiles = cut(unit, len(spec.class_names), shape)
        skipped.update(tiles.skipped)
        if len(tiles):
            shape = tiles.images.shape[1:]
            made.append(tiles)
    if not made:
        raise no_tiles(spec, origin, skipped)
    images = np.concatenate([tiles.images for tiles in made])
    masked = any(tiles.valid is not None for tiles in made)
    return replace(
        image_set(ArraySource(images, str(origin)), None, (), str(origin)),
        labels=SealedMaps(ArrayMaps(_labels(made))) if any(tiles.labels is not None for tiles in made) else None,
        classes=spec.class_names,
        valid=ArrayMasks(_masks(made), spec.masks_by_labels) if masked else None,
        protocol=with_skipped(spec.facts(), skipped, digest(fingerprint(tiles) for tiles in made)),
    )


def no_tiles(spec: TiledDatasetSpec, origin: Path, skipped: Counter[str]) -> LatentclustError:
    """That a protocol made no tile of a folder, and why."""
    why = ", ".join(f"{count:,} x {reason}" for reason, count in sorted(skipped.items())) or "every file is too small"
    what = f"no tile of {spec.facts().name} can be cut from it ({why})"
    return LatentclustError.at(str(origin), what, "Give files that suit the protocol, or choose another")


def scored(tiles: Tiles) -> NDArray[np.int64]:
    """Which tiles have a labelled pixel, and so count in scores."""
    return np.flatnonzero([] if tiles.labels is None else np.any(tiles.labels != VOID, axis=(1, 2)))


def fingerprint(tiles: Tiles) -> str:
    """The sha256, in hexadecimal, of the tiles that are scored, those with a labelled pixel; empty where none is."""
    if tiles.labels is None:
        return ""
    found = scored(tiles)
    hashed = hashlib.sha256()
    for image, labels in zip(tiles.images[found], tiles.labels[found], strict=True):
        hashed.update(image.tobytes())
        hashed.update(labels.astype("<i2", copy=False).tobytes())
    return hashed.hexdigest() if len(found) else ""


def digest(fingerprints: Iterable[str]) -> str:
    """The hash of a protocol's scored tiles by those of its units, in order; empty where none is scored."""
    scored = [each for each in fingerprints if each]
    return hashlib.sha256("".join(scored).encode()).hexdigest()[:DIGEST_DIGITS] if scored else ""


def _labels(made: Sequence[Tiles]) -> NDArray[np.int16]:
    void = np.int16(VOID)
    return np.concatenate([np.full(_extent(t), void) if t.labels is None else t.labels for t in made])


def _masks(made: Sequence[Tiles]) -> NDArray[np.bool_]:
    return np.concatenate([np.ones(_extent(tiles), np.bool_) if tiles.valid is None else tiles.valid for tiles in made])


def _extent(tiles: Tiles) -> Shape:
    """The shape `(n, h, w)` of a map of each tile."""
    return (len(tiles), *tiles.images.shape[2:])
