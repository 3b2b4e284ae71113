"""ISPRS Potsdam, cut into the tiles of IIC (Ji et al. 2019) or STEGO (Hamilton et al. 2022)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from latentclust.api import VOID, DataProtocol, LatentclustError, PreparedDatasetSpec, Tiles, Unit, raster
from latentclust.bundled.datasets.potsdam_scenes import CUT, Bands, PotsdamScene, scenes

T = TypeVar("T", bound=np.generic)

TILE = CUT // 2
"""Side of a tile in pixels of 10 cm."""

STEGO_SIDE = 320
"""Side in pixels that the tiles of STEGO are enlarged to."""

STEGO_TILES = 855
"""Number of labelled tiles in the test set of STEGO, which follows the data preparation of IIC."""

STEGO_SEED = 0
"""Random seed of our draw of the test tiles. The published draw had no seed."""

_SIX = ("impervious surface", "building", "low vegetation", "tree", "car", "clutter")
_THREE = ("impervious surface and car", "building and clutter", "vegetation and tree")
_MERGED = np.array([0, 1, 2, 2, 0, 1, VOID], np.int16)
"""Merged class of each of the six classes. The last entry is that of `VOID`, the index -1."""

_CUT = "scenes halved (bilinear, labels nearest), cut into tiles of 200x200"

_SUMMARIES = {
    "iic-potsdam6": f"{_CUT}; trained on all, scored on all labelled tiles",
    "iic-potsdam3": f"{_CUT}; 6 classes merged to 3; trained on all, scored on all labelled tiles",
    "stego-potsdam3": f"{_CUT}; RGB, enlarged to 320x320 (nearest); 6 classes merged to 3; trained on all, without "
    f"labels, scored on {STEGO_TILES} labelled tiles of our own draw, seed {STEGO_SEED}",
}

LOSSY = frozenset({"4_12", "6_7"})
"""Scenes whose label rasters deviate from the palette: lossy compression in 4_12, cars as (252, 255, 0) in 6_7."""

LOSS = 88
"""Largest accepted distance of a channel of the `LOSSY` rasters from 0 or 255. It exceeds all distances in the
published files."""

_BAD = -2

_CLASSES = np.array([VOID, 1, 3, 2, 5, _BAD, 4, 0], np.int16)
"""Class by the bits of red, green and blue: black, blue, green, cyan, red, magenta (invalid), yellow, white."""


class Potsdam(PreparedDatasetSpec):
    """Aerial scenes of Potsdam at 5 cm with a label for each pixel, cut into tiles by a published protocol.

    Example:
        ```toml
        [data]
        use = "potsdam"
        protocol = "iic-potsdam3"
        bands = "rgbir"
        ```
    """

    name: ClassVar[str] = "potsdam"
    summary: ClassVar[str] = "38 aerial scenes, 6000x6000 RGBIR, 24 labelled: 8,550 tiles, 3 or 6 classes a pixel"
    licence: ClassVar[str] = "ISPRS terms, research use"
    layout: ClassVar[str] = "top_potsdam_R_C_RGBIR.tif and top_potsdam_R_C_label.tif, at any depth"
    origin: ClassVar[str] = "the ISPRS benchmark on 2D semantic labelling, Potsdam (4_Ortho_RGBIR, 5_Labels_all)"

    protocol: Literal["iic-potsdam3", "iic-potsdam6", "stego-potsdam3"] = "iic-potsdam3"
    """Protocol of the tiles, the classes and the scored tiles."""

    bands: Bands = "rgbir"
    """Files that are read: `rgbir` as in the papers, or `rgb` without the infrared band."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names, in label order: six classes, or the three that they are merged to."""
        return _SIX if self.protocol == "iic-potsdam6" else _THREE

    def facts(self) -> DataProtocol:
        """Return the name and the summary of the protocol."""
        if self.bands == "rgb" and not self._stego:
            summary = f"{_SUMMARIES[self.protocol]}; no infrared, unlike {self.protocol}"
            return DataProtocol(f"{self.protocol}-rgb", 1, summary)
        return DataProtocol(self.protocol, 1, _SUMMARIES[self.protocol])

    def units(self, origin: Path) -> Sequence[Unit]:
        """Return one unit per scene."""
        found = scenes(origin, self.bands)
        drawn = _draw(found) if self._stego else None
        # The draw depends on the set of labelled scenes: an additional scene changes it for all.
        others = tuple(scene.image for scene in found if scene.label) if drawn is not None else ()
        return [
            Unit(f"potsdam_{scene.name}", partial(self._cut, scene, drawn), tuple(dict.fromkeys(scene.files + others)))
            for scene in found
        ]

    @property
    def _stego(self) -> bool:
        return self.protocol == "stego-potsdam3"

    def _cut(self, scene: PotsdamScene, drawn: Mapping[str, NDArray[np.int64]] | None) -> Tiles:
        skipped = {"label raster of a scene that the benchmark kept for testing": 1} if scene.withheld else {}
        if not scene.rows * scene.columns:
            return Tiles.none(f"scene of less than {CUT}x{CUT} pixels")
        channels = 4 if self.bands == "rgbir" and not self._stego else 3
        images = np.concatenate([_tiles(strip) for strip in image_strips(scene, channels)])
        if not scene.label:
            return Tiles(self._enlarged(images), skipped=skipped)
        labels = np.concatenate([_tiles(strip[np.newaxis])[:, 0] for strip in label_strips(scene)])
        if self.protocol != "iic-potsdam6":
            labels = _MERGED[labels]
        if drawn is not None:
            labels[np.setdiff1d(np.arange(len(labels)), drawn[scene.name])] = VOID
        return Tiles(self._enlarged(images), self._enlarged(labels), skipped=skipped)

    def _enlarged(self, tiles: NDArray[T]) -> NDArray[T]:
        """Return tiles `(…, 200, 200)`, enlarged to the nearest pixels `(…, 320, 320)` by the protocol of STEGO.

        The centre crop of STEGO then contains the whole tile.
        """
        if not self._stego:
            return tiles
        nearest = ((np.arange(STEGO_SIDE) + 0.5) * TILE / STEGO_SIDE).astype(np.int64)
        return tiles[..., nearest[:, np.newaxis], nearest]


def _tiles(strip: NDArray[T]) -> NDArray[T]:
    """Return a strip `(c, 200, n * 200)` as tiles `(n, c, 200, 200)`, from left to right."""
    channels, side, width = strip.shape
    return strip.reshape(channels, side, width // side, side).transpose(2, 0, 1, 3)


def _draw(found: Sequence[PotsdamScene]) -> Mapping[str, NDArray[np.int64]]:
    """Draw `STEGO_TILES` of all labelled tiles, or all if there are fewer. Return their indices by scene."""
    counts = {scene.name: scene.rows * scene.columns for scene in found if scene.label}
    total = sum(counts.values())
    rng = np.random.default_rng(STEGO_SEED)
    drawn = np.sort(rng.choice(total, min(STEGO_TILES, total), replace=False))
    ends = np.cumsum(list(counts.values()))
    starts = dict(zip(counts, ends - list(counts.values()), strict=True))
    return {name: drawn[(drawn >= start) & (drawn < start + counts[name])] - start for name, start in starts.items()}


def image_strips(scene: PotsdamScene, channels: int) -> Iterator[NDArray[np.uint8]]:
    """Yield strips `(c, 200, w)` of the halved scene, one per row of tiles: means of 2x2 pixels, rounded half up.

    This equals bilinear interpolation at half the size, and the result of OpenCV.
    """
    with raster(scene.image) as file:
        for window in _windows(scene):
            pieces = file.read(list(range(1, channels + 1)), window=window).astype(np.uint16)
            sums = pieces[:, ::2, ::2] + pieces[:, 1::2, ::2] + pieces[:, ::2, 1::2] + pieces[:, 1::2, 1::2]
            yield ((sums + 2) >> 2).astype(np.uint8)


def label_strips(scene: PotsdamScene) -> Iterator[NDArray[np.int16]]:
    """Yield strips `(200, w)` of the halved labels: the upper left of 2x2 pixels, the nearest pixel of OpenCV.

    Raises:
        LatentclustError: After the last strip, if there are colours outside the palette.
    """
    assert scene.label is not None, "only scenes with labels are read here"
    outside, first = 0, ""
    with raster(scene.label) as file:
        for window in _windows(scene):
            colours = file.read(window=window)
            classes = _decoded(colours, LOSS if scene.name in LOSSY else 0)
            bad = np.argwhere(classes == _BAD)
            if len(bad) and not outside:
                row, column = bad[0]
                colour = ", ".join(map(str, colours[:, row, column]))
                first = f"({colour}) at row {row + window.row_off}, column {column}"
            outside += len(bad)
            yield np.where(classes == _BAD, VOID, classes)[::2, ::2].astype(np.int16)
    if outside:
        what = f"{outside:,} pixels have colours outside the palette, the first {first}, counted from 0"
        raise LatentclustError.at(str(scene.label), what, "Copy the file again as the ISPRS delivers it")


def _decoded(colours: NDArray[np.uint8], loss: int) -> NDArray[np.int16]:
    """Return colours `(3, h, w)` as classes `(h, w)`, `VOID` or `_BAD`. `loss` is the tolerance of the channels."""
    red, green, blue = colours >> 7
    classes: NDArray[np.int16] = _CLASSES[red << 2 | green << 1 | blue]
    near = np.minimum(colours, 255 - colours).max(axis=0) <= loss
    return np.where(near, classes, np.int16(_BAD))


def _windows(scene: PotsdamScene) -> Iterable[Window]:
    return (Window(0, row * CUT, scene.columns * CUT, CUT) for row in range(scene.rows))
