"""Scenes of ISPRS Potsdam as delivered, found by name and checked by their headers."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from latentclust.api import Issue, LatentclustError, raster

Bands = Literal["rgb", "rgbir"]

CHANNELS: Mapping[Bands, int] = {"rgb": 3, "rgbir": 4}

CUT = 400
"""Side in pixels of the piece of a scene that is halved to a tile of 200."""

SCORED = frozenset(
    f"{row}_{column}"
    for row, columns in {2: (10, 12), 3: (10, 12), 4: (10, 12), 5: (10, 12), 6: (7, 12), 7: (7, 12)}.items()
    for column in range(columns[0], columns[1] + 1)
)
"""Names of the 24 scenes whose labels participants of the benchmark received. Protocols score only these."""

PREFERRED = "5_Labels_for_participants"
"""Folder whose labels are read if another folder contains them too, as in IIC."""

_FILE = re.compile(r"top_potsdam_(\d+)_(\d+)_(rgb|rgbir|label)\.tiff?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PotsdamScene:
    """A scene and its labels.

    Attributes:
        name: Row and column in the mosaic, such as `2_10`.
        image: Path of the image, uint8, RGB or RGBIR.
        label: Path of the label raster in colours. None if there is none, or protocols do not score it.
        withheld: Whether there is a label raster that protocols do not score.
        rows: Number of rows of tiles.
        columns: Number of columns of tiles.
    """

    name: str
    image: Path
    label: Path | None
    withheld: bool
    rows: int
    columns: int

    @property
    def files(self) -> tuple[Path, ...]:
        """Paths of the files that are read."""
        return (self.image, self.label) if self.label else (self.image,)


def scenes(origin: Path, bands: Bands) -> tuple[PotsdamScene, ...]:
    """Find the scenes below a folder, sorted by row and column. Only headers are read.

    Raises:
        LatentclustError: With all issues: no scenes, duplicate files, labels without a scene, an unexpected band count
            or type, labels and scenes of different sizes, unreadable files.
    """
    files = _files(origin)
    issues: list[Issue] = []
    images = dict(_single(files[bands], issues))
    labels = dict(_single(files["label"], issues))
    if not images:
        other = next((kind for kind in ("rgbir", "rgb") if files[kind]), None)
        fix = f"There are {other.upper()} scenes: set bands={other}" if other else "Name the folder that contains them"
        raise LatentclustError.at(str(origin), f"no top_potsdam_R_C_{bands.upper()}.tif below it", fix)
    for name in labels.keys() - images.keys():
        fix = f"Add top_potsdam_{name}_{bands.upper()}.tif, or remove the labels"
        issues.append(Issue(str(labels[name]), "labels without a scene", fix))
    found = []
    for name in sorted(images, key=lambda name: tuple(map(int, name.split("_")))):
        try:
            found.append(_scene(name, images[name], labels.get(name), bands))
        except LatentclustError as error:
            issues.extend(error.issues)
    if issues:
        raise LatentclustError(*issues)
    return tuple(found)


def _files(origin: Path) -> Mapping[str, Mapping[str, list[Path]]]:
    """Return the paths by kind (`rgb`, `rgbir`, `label`) and scene."""
    found: dict[str, dict[str, list[Path]]] = {"rgb": {}, "rgbir": {}, "label": {}}
    for path in sorted(origin.rglob("*")):
        match = _FILE.fullmatch(path.name)
        if match and path.is_file():
            name = f"{int(match[1])}_{int(match[2])}"
            found[match[3].lower()].setdefault(name, []).append(path)
    return found


def _single(files: Mapping[str, list[Path]], issues: list[Issue]) -> Iterator[tuple[str, Path]]:
    for name, paths in files.items():
        preferred = [path for path in paths if path.parent.name == PREFERRED] or paths
        if len(preferred) > 1:
            issues.append(Issue(str(preferred[0]), f"exists twice, also as {preferred[1]}", "Keep one of them"))
        yield name, preferred[0]


def _scene(name: str, image: Path, label: Path | None, bands: Bands) -> PotsdamScene:
    height, width = _extent(image, CHANNELS[bands], bands.upper())
    if label:
        extent = _extent(label, 3, "colours")
        if extent != (height, width):
            what = f"is {extent[1]}x{extent[0]}, but its scene {image.name} is {width}x{height} (w x h)"
            raise LatentclustError.at(str(label), what, "Copy both again: they must cover the same pixels")
    scored = name in SCORED
    return PotsdamScene(name, image, label if scored else None, bool(label) and not scored, height // CUT, width // CUT)


def _extent(path: Path, bands: int, kind: str) -> tuple[int, int]:
    with raster(path) as file:
        extent, found = (file.height, file.width), (file.count, *set(file.dtypes))
    if found != (bands, "uint8"):
        what = f"expected {bands} bands of uint8 ({kind}), got {found[0]} of {', '.join(map(str, found[1:]))}"
        raise LatentclustError.at(str(path), what, "Use the file as the ISPRS delivers it")
    return extent
