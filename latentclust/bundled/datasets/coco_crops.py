"""COCO-Stuff's images cut as IIC and STEGO do, and which of them IIC keeps."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from latentclust.api import VOID, Tiles
from latentclust.bundled.datasets.cropping import Frame, centred, scaled, short_side_to
from latentclust.bundled.datasets.pairing import Pair
from latentclust.bundled.datasets.pixel_files import image_extent
from latentclust.bundled.datasets.published_pairs import opened, stacked
from latentclust.bundled.datasets.tile_protocols import IIC_SIDE, STEGO_SIDE

_LEAST_SIDE = 360
_LEAST_SHARE = 0.75
_SCALE = 0.33


def iic_tiles(pairs: Sequence[Pair], classes: Mapping[int, int], choose: bool) -> Tiles:
    """One crop an image, what has no class masked out (Ji et al. 2019).

    Args:
        pairs: The images with their label maps.
        classes: The label of every id; VOID for what is not a wanted class.
        choose: Whether images that are small, or show too little of the classes, are left out.
    """

    def crop(pair: Pair) -> Frame | str:
        if choose and min(image_extent(pair.image)) < _LEAST_SIDE:
            return f"a side below {_LEAST_SIDE} pixels"
        whole = opened(pair, classes)
        if choose and np.mean(whole.labels != VOID) < _LEAST_SHARE:
            return f"less than {_LEAST_SHARE:.0%} of the pixels in the wanted classes"
        return centred(scaled(whole, _SCALE), IIC_SIDE)

    tiles = _collected(pairs, crop)
    return tiles if tiles.labels is None else replace(tiles, valid=tiles.labels != VOID)


def stego_tiles(pairs: Sequence[Pair], classes: Mapping[int, int]) -> Tiles:
    """One crop an image, all pixels nearest, as in the authors' transforms (Hamilton et al. 2022)."""
    return _collected(
        pairs, lambda pair: centred(short_side_to(opened(pair, classes), STEGO_SIDE, smooth=False), STEGO_SIDE)
    )


def _collected(pairs: Sequence[Pair], crop: Callable[[Pair], Frame | str]) -> Tiles:
    made = [crop(pair) for pair in pairs]
    kept = [each for each in made if isinstance(each, Frame)]
    skipped = Counter(each for each in made if isinstance(each, str))
    if kept:
        return replace(stacked(kept), skipped=skipped)
    return replace(Tiles.none("nothing"), skipped=skipped)
