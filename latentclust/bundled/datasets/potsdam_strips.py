"""Images and labels of ISPRS Potsdam's scenes, halved, a row of tiles at a time."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from latentclust.api import VOID, LatentclustError, raster
from latentclust.bundled.datasets.potsdam_scenes import CUT, PotsdamScene

LOSSY = frozenset({"4_12", "6_7"})
"""Label rasters that are delivered off the palette: 4_12 saved with losses, the cars of 6_7 as (252, 255, 0)."""

LOSS = 88
"""How far from 0 or 255 their channels may be: further than any is, and 40 short of the middle."""

_BAD = -2
_CLASSES = np.array([VOID, 1, 3, 2, 5, _BAD, 4, 0], np.int16)
"""By the bits of red, green and blue: black, blue, green, cyan, red, magenta (which is none), yellow, white."""


def image_strips(scene: PotsdamScene, channels: int) -> Iterator[NDArray[np.uint8]]:
    """Strips `(c, 200, w)` of the halved scene, one for each row of tiles: means of 2x2 pixels, rounded half up.

    This is what bilinear interpolation comes to at half the size, and what OpenCV does.
    """
    with raster(scene.image) as file:
        for window in _windows(scene):
            pieces = file.read(list(range(1, channels + 1)), window=window).astype(np.uint16)
            sums = pieces[:, ::2, ::2] + pieces[:, 1::2, ::2] + pieces[:, ::2, 1::2] + pieces[:, 1::2, 1::2]
            yield ((sums + 2) >> 2).astype(np.uint8)


def label_strips(scene: PotsdamScene) -> Iterator[NDArray[np.int16]]:
    """Strips `(200, w)` of the halved labels: the upper left of 2x2 pixels, which is OpenCV's nearest.

    Raises:
        LatentclustError: After the last strip, if there are colours outside the palette: how many, and the first.
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
        what = f"{outside:,} pixels of colours outside the palette, the first {first}, counted from 0"
        raise LatentclustError.at(str(scene.label), what, "Copy the file again as the ISPRS delivers it")


def _decoded(colours: NDArray[np.uint8], loss: int) -> NDArray[np.int16]:
    """Colours `(3, h, w)` as classes `(h, w)`, `VOID` or `_BAD`; channels may be `loss` away from 0 or 255."""
    red, green, blue = colours >> 7
    classes: NDArray[np.int16] = _CLASSES[red << 2 | green << 1 | blue]
    near = np.minimum(colours, 255 - colours).max(axis=0) <= loss
    return np.where(near, classes, np.int16(_BAD))


def _windows(scene: PotsdamScene) -> Iterable[Window]:
    return (Window(0, row * CUT, scene.columns * CUT, CUT) for row in range(scene.rows))
