"""Where COCO-Stuff's images and label maps lie, as published or as pairs in one folder."""

from collections.abc import Sequence
from pathlib import Path

from latentclust.api import LatentclustError
from latentclust.bundled.datasets.pairing import Pair, by_name, paired

PARTS = ("train2017", "val2017")
"""The published parts."""

MAPS = "stuffthingmaps"
"""The folder of the published label maps."""

_LABEL_ENDING = "_label"
"""What, in a folder of pairs, the name of a label map has more than that of its image."""


def pairs_of(origin: Path, parts: Sequence[str]) -> tuple[Pair, ...]:
    """The images of some published parts with their label maps, sorted by name.

    As published: `train2017/NAME.jpg` (or `images/train2017/NAME.jpg`) and `stuffthingmaps/train2017/NAME.png`. As
    pairs in one folder: `train_NAME.jpg` and `train_NAME_label.png`.

    Raises:
        LatentclustError: a part that is missing, or an image or label map without the other.
    """
    if (origin / MAPS).is_dir():
        return _published(origin, parts)
    starts = tuple(f"{part.removesuffix('2017')}_" for part in parts)
    images = [path for path in origin.glob("*.jpg") if path.name.startswith(starts)]
    labels = [path for path in origin.glob(f"*{_LABEL_ENDING}.png") if path.name.startswith(starts)]
    if not images:
        what = f"neither {MAPS} in it nor images {' or '.join(f'{start}*.jpg' for start in starts)}"
        raise LatentclustError.at(str(origin), what, "Name the folder that holds the parts of the set")
    return paired(by_name(images, origin), by_name(labels, origin, _LABEL_ENDING), origin)


def _published(origin: Path, parts: Sequence[str]) -> tuple[Pair, ...]:
    above = origin / "images" if (origin / "images").is_dir() else origin
    absent = [str(folder / part) for part in parts for folder in (above, origin / MAPS) if not (folder / part).is_dir()]
    if absent:
        raise LatentclustError.at(str(origin), f"no folder {', '.join(absent)}", "Unpack this part of the set too")
    images = by_name((path for part in parts for path in (above / part).glob("*.jpg")), above)
    labels = by_name((path for part in parts for path in (origin / MAPS / part).glob("*.png")), origin / MAPS)
    return paired(images, labels, origin)


def listed(pairs: Sequence[Pair], listing: Path) -> tuple[Pair, ...]:
    """The pairs that a text file names, one image a line, with or without folder and suffix.

    Raises:
        LatentclustError: no such file, or images in it that are not among the pairs: how many, and the first.
    """
    if not listing.is_file():
        raise LatentclustError.at("data.curated", f"no file {listing}", "Name an existing file, an image a line")
    wanted = {Path(line.strip()).stem for line in listing.read_text("utf-8").splitlines() if line.strip()}
    there = {Path(pair.name).name for pair in pairs}
    lacking = sorted(wanted - there)
    if lacking or not wanted:
        what = f"{len(lacking)} of {len(wanted)} images are absent, such as {lacking[0]}" if lacking else "is empty"
        raise LatentclustError.at(str(listing), what, "List images of the set, and unpack every part that it names")
    return tuple(pair for pair in pairs if Path(pair.name).name in wanted)
