"""ISPRS Potsdam, cut into the tiles of IIC (Ji et al. 2019) or of STEGO (Hamilton et al. 2022)."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from latentclust.api import VOID, DataProtocol, PreparedDatasetSpec, Tiles, Unit
from latentclust.bundled.datasets.potsdam_scenes import CUT, Bands, PotsdamScene, scenes
from latentclust.bundled.datasets.potsdam_strips import image_strips, label_strips

T = TypeVar("T", bound=np.generic)

TILE = CUT // 2
"""Side of a tile, in pixels of 10 cm."""

STEGO_SIDE = 320
"""Side to which STEGO's tiles are enlarged."""

STEGO_TILES = 855
"""How many labelled tiles STEGO, after IIC's data preparation, is tested on."""

STEGO_SEED = 0
"""Of our own draw: the published one had none."""

_SIX = ("impervious surface", "building", "low vegetation", "tree", "car", "clutter")
_THREE = ("impervious surface and car", "building and clutter", "vegetation and tree")
_MERGED = np.array([0, 1, 2, 2, 0, 1, VOID], np.int16)
"""The three classes by the six, and the last, which `VOID` indexes."""

_CUT = "scenes halved (bilinear, labels nearest), cut into tiles of 200x200"

_SUMMARIES = {
    "iic-potsdam6": f"{_CUT}; trained on all, scored on all labelled tiles",
    "iic-potsdam3": f"{_CUT}; 6 classes merged to 3; trained on all, scored on all labelled tiles",
    "stego-potsdam3": f"{_CUT}; RGB, enlarged to 320x320 (nearest); 6 classes merged to 3; trained on all, without "
    f"labels, scored on {STEGO_TILES} labelled tiles of our own draw, seed {STEGO_SEED}",
}


class Potsdam(PreparedDatasetSpec):
    """Aerial scenes of Potsdam at 5 cm with a label for each pixel, cut into tiles by a published protocol."""

    name: ClassVar[str] = "potsdam"
    summary: ClassVar[str] = "38 aerial scenes, 6000x6000 RGBIR, 24 labelled: 8,550 tiles, 3 or 6 classes a pixel"
    licence: ClassVar[str] = "ISPRS terms, research use"
    layout: ClassVar[str] = "top_potsdam_R_C_RGBIR.tif and top_potsdam_R_C_label.tif, at any depth"
    origin: ClassVar[str] = "the ISPRS benchmark on 2D semantic labelling, Potsdam (4_Ortho_RGBIR, 5_Labels_all)"

    protocol: Literal["iic-potsdam3", "iic-potsdam6", "stego-potsdam3"] = "iic-potsdam3"
    """Which tiles, classes and scored tiles."""

    bands: Bands = "rgbir"
    """Which files are read: `rgbir` as in the papers, or `rgb`, which has no infrared band."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Six classes, or the three that they are merged to."""
        return _SIX if self.protocol == "iic-potsdam6" else _THREE

    def facts(self) -> DataProtocol:
        """The protocol's name and what it does."""
        if self.bands == "rgb" and not self._stego:
            summary = f"{_SUMMARIES[self.protocol]}; no infrared, unlike {self.protocol}"
            return DataProtocol(f"{self.protocol}-rgb", 1, summary)
        return DataProtocol(self.protocol, 1, _SUMMARIES[self.protocol])

    def units(self, origin: Path) -> Sequence[Unit]:
        """A unit a scene."""
        found = scenes(origin, self.bands)
        drawn = _draw(found) if self._stego else None
        # A draw depends on which labelled scenes there are: one more makes it another for all.
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
        """Tiles `(…, 200, 200)`, under STEGO's protocol nearest to `(…, 320, 320)`, of which a centre crop is all."""
        if not self._stego:
            return tiles
        nearest = ((np.arange(STEGO_SIDE) + 0.5) * TILE / STEGO_SIDE).astype(np.int64)
        return tiles[..., nearest[:, np.newaxis], nearest]


def _tiles(strip: NDArray[T]) -> NDArray[T]:
    """A strip `(c, 200, n * 200)` as tiles `(n, c, 200, 200)`, from left to right."""
    channels, side, width = strip.shape
    return strip.reshape(channels, side, width // side, side).transpose(2, 0, 1, 3)


def _draw(found: Sequence[PotsdamScene]) -> Mapping[str, NDArray[np.int64]]:
    """By scene, which of its tiles are scored: `STEGO_TILES` of all labelled ones, or all where they are fewer."""
    counts = {scene.name: scene.rows * scene.columns for scene in found if scene.label}
    total = sum(counts.values())
    rng = np.random.default_rng(STEGO_SEED)
    chosen = np.sort(rng.choice(total, min(STEGO_TILES, total), replace=False))
    ends = np.cumsum(list(counts.values()))
    starts = dict(zip(counts, ends - list(counts.values()), strict=True))
    return {name: chosen[(chosen >= start) & (chosen < start + counts[name])] - start for name, start in starts.items()}
