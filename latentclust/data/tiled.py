"""Tiled data sets in memory, and the hash of scored tiles."""

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
"""Number of hexadecimal digits of a protocol's hash."""


class ArrayMaps(MapSource):
    """Label maps in memory.

    Args:
        maps: Maps `(n, h, w)` of 0-based classes or `VOID`.
    """

    def __init__(self, maps: NDArray[np.int16]) -> None:
        self._maps = maps

    def __len__(self) -> int:
        """Return the number of maps."""
        return len(self._maps)

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.int16]:
        """Return a copy of the maps `(len(indices), h, w)`."""
        return self._maps[indices]


class ArrayMasks(MaskSource):
    """Masks in memory.

    Args:
        masks: Masks `(n, h, w)`; true for valid pixels.
        reads_labels: Whether ground truth decides which pixels are valid.
    """

    def __init__(self, masks: NDArray[np.bool_], reads_labels: bool = False) -> None:
        self._masks = masks
        self.reads_labels = reads_labels

    def read(self, indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return a copy of the masks `(len(indices), h, w)`."""
        return self._masks[indices]


def in_memory(spec: TiledDatasetSpec, origin: Path) -> ImageSet:
    """Cut the raw files in a folder into tiles, and return the data set.

    Raises:
        LatentclustError: If raw files are missing, damaged or inconsistent, there are no tiles, or all tiles are equal.
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
    """Return the error that a protocol cuts no tile from a folder, with the reasons."""
    why = ", ".join(f"{count:,} x {reason}" for reason, count in sorted(skipped.items())) or "every file is too small"
    what = f"contains no tile of {spec.facts().name} ({why})"
    return LatentclustError.at(str(origin), what, "Use the files that the protocol requires, or another protocol")


def scored(tiles: Tiles) -> NDArray[np.int64]:
    """Return the indices of the tiles that are scored: those with a labelled pixel."""
    return np.flatnonzero([] if tiles.labels is None else np.any(tiles.labels != VOID, axis=(1, 2)))


def fingerprint(tiles: Tiles) -> str:
    """Return the SHA-256 of the scored tiles as hexadecimal digits; empty if there are none."""
    if tiles.labels is None:
        return ""
    found = scored(tiles)
    hashed = hashlib.sha256()
    for image, labels in zip(tiles.images[found], tiles.labels[found], strict=True):
        hashed.update(image.tobytes())
        hashed.update(labels.astype("<i2", copy=False).tobytes())
    return hashed.hexdigest() if len(found) else ""


def digest(fingerprints: Iterable[str]) -> str:
    """Return the hash of a protocol's scored tiles from those of its units in order; empty if there are none."""
    scored = [each for each in fingerprints if each]
    return hashlib.sha256("".join(scored).encode()).hexdigest()[:DIGEST_DIGITS] if scored else ""


def _labels(made: Sequence[Tiles]) -> NDArray[np.int16]:
    void = np.int16(VOID)
    return np.concatenate([np.full(_extent(t), void) if t.labels is None else t.labels for t in made])


def _masks(made: Sequence[Tiles]) -> NDArray[np.bool_]:
    return np.concatenate([np.ones(_extent(tiles), np.bool_) if tiles.valid is None else tiles.valid for tiles in made])


def _extent(tiles: Tiles) -> Shape:
    """Return the shape `(n, h, w)` of one map per tile."""
    return (len(tiles), *tiles.images.shape[2:])
