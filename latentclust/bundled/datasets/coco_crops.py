"""Classes of COCO-Stuff (Caesar et al. 2018), and selection and cropping of its images by IIC and STEGO."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from latentclust.api import VOID, Tiles
from latentclust.bundled.datasets.cropping import ImagePair, centre_crop, rescale, resize_short_side
from latentclust.bundled.datasets.pairing import Pair
from latentclust.bundled.datasets.pixel_files import image_extent
from latentclust.bundled.datasets.published_pairs import read_pair, stack_tiles
from latentclust.bundled.datasets.tile_protocols import IIC_SIDE, STEGO_SIDE

UNLABELLED = 255
"""Id of pixels without a label in label files."""

COARSE: Mapping[str, tuple[int, ...]] = {
    "electronic": (*range(71, 77),),
    "appliance": (*range(77, 83),),
    "food-things": (*range(51, 61),),
    "furniture-things": (*range(61, 71),),
    "indoor": (*range(83, 91),),
    "kitchen": (*range(43, 51),),
    "accessory": (*range(25, 33),),
    "animal": (*range(15, 25),),
    "outdoor": (*range(9, 15),),
    "person": (0,),
    "sports": (*range(33, 43),),
    "vehicle": (*range(1, 9),),
    "ceiling": (101, 102),
    "floor": (100, 113, 114, 115, 116, 117),
    "food-stuff": (120, 121, 152, 169),
    "furniture-stuff": (97, 106, 107, 109, 111, 122, 129, 132, 155, 160, 164),
    "raw material": (99, 131, 138, 142),
    "textile": (91, 92, 103, 104, 108, 130, 136, 140, 151, 166, 167),
    "wall": (*range(170, 177),),
    "window": (179, 180),
    "building": (94, 95, 127, 150, 157, 165),
    "ground": (110, 124, 125, 135, 139, 143, 144, 146, 148, 153, 158),
    "plant": (93, 96, 118, 123, 128, 133, 141, 162, 168),
    "sky": (105, 156),
    "solid": (126, 134, 149, 159, 161, 181),
    "structural": (98, 112, 137, 145, 163),
    "water": (119, 147, 154, 177, 178),
}
"""Fine ids of each coarse class, in the order of the coarse ids 0 to 26."""

ALL27 = tuple(COARSE)
STUFF15 = ALL27[12:]
STUFF3 = ("sky", "plant", "ground")

_MIN_SIDE = 360

_MIN_SHARE = 0.75

_SCALE = 0.33


def coarse_labels(names: tuple[str, ...], void: int) -> dict[int, int]:
    """Return the label of every id of a label file: the index of its coarse class in `names`, or `void`."""
    labels = {id_: void for ids in COARSE.values() for id_ in ids} | {UNLABELLED: void}
    return labels | {id_: label for label, name in enumerate(names) for id_ in COARSE[name]}


def iic_tiles(pairs: Sequence[Pair], classes: Mapping[int, int], choose: bool) -> Tiles:
    """Return one crop per image, with pixels without a class masked (Ji et al. 2019).

    Args:
        pairs: Images with their label maps.
        classes: Label of every id, VOID for ids of other classes.
        choose: Whether images that are small or contain too little of the classes are skipped.
    """

    def crop(pair: Pair) -> ImagePair | str:
        if choose and min(image_extent(pair.image)) < _MIN_SIDE:
            return f"a side below {_MIN_SIDE} pixels"
        whole = read_pair(pair, classes)
        if choose and np.mean(whole.labels != VOID) < _MIN_SHARE:
            return f"less than {_MIN_SHARE:.0%} of the pixels in the wanted classes"
        return centre_crop(rescale(whole, _SCALE), IIC_SIDE)

    tiles = _collected(pairs, crop)
    return tiles if tiles.labels is None else replace(tiles, valid=tiles.labels != VOID)


def stego_tiles(pairs: Sequence[Pair], classes: Mapping[int, int]) -> Tiles:
    """Return one crop per image, resampled to the nearest pixels as by the authors (Hamilton et al. 2022)."""
    return _collected(
        pairs,
        lambda pair: centre_crop(resize_short_side(read_pair(pair, classes), STEGO_SIDE, smooth=False), STEGO_SIDE),
    )


def _collected(pairs: Sequence[Pair], crop: Callable[[Pair], ImagePair | str]) -> Tiles:
    crops = [crop(pair) for pair in pairs]
    kept = [each for each in crops if isinstance(each, ImagePair)]
    skipped = Counter(each for each in crops if isinstance(each, str))
    if kept:
        return replace(stack_tiles(kept), skipped=skipped)
    return replace(Tiles.none("nothing"), skipped=skipped)
