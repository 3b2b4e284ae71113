"""The scenes of ISPRS Potsdam as delivered: found by name and checked by header."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from latentclust.api import Issue, LatentclustError, raster

Bands = Literal["rgb", "rgbir"]

CHANNELS: Mapping[Bands, int] = {"rgb": 3, "rgbir": 4}

CUT = 400
"""Side in pixels of a scene's piece that is halved to a tile of 200."""

SCORED = frozenset(
    f"{row}_{column}"
    for row, columns in {2: (10, 12), 3: (10, 12), 4: (10, 12), 5: (10, 12), 6: (7, 12), 7: (7, 12)}.items()
    for column in range(columns[0], columns[1] + 1)
)
"""The 24 scenes whose labels participants of the benchmark were given, and by which protocols score."""

PREFERRED = "5_Labels_for_participants"
"""The folder whose labels are read where a second one holds them too: IIC's."""

_FILE = re.compile(r"top_potsdam_(\d+)_(\d+)_(rgb|rgbir|label)\.tiff?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PotsdamScene:
    """A scene and its labels.

    Attributes:
        name: Row and column in the mosaic: `2_10`.
        image: uint8, RGB or RGBIR.
        label: Colours, or None where there are none, or none that protocols score.
        withheld: Whether there are labels that protocols do not score.
        rows: How many tiles one below the other.
        columns: How many side by side.
    """

    name: str
    image: Path
    label: Path | None
    withheld: bool
    rows: int
    columns: int

    @property
    def files(self) -> tuple[Path, ...]:
        """What is read of it."""
        return (self.image, self.label) if self.label else (self.image,)


def scenes(origin: Path, bands: Bands) -> tuple[PotsdamScene, ...]:
    """The scenes below a folder, by row and column; reads headers only.

    Raises:
        LatentclustError: With all that is wrong: no scene, files twice, labels without a scene, a band count or a type
            that is not the benchmark's, labels of another size than their scene, a file that cannot be read.
    """
    files = _files(origin)
    issues: list[Issue] = []
    images = dict(_single(files[bands], issues))
    labels = dict(_single(files["label"], issues))
    if not images:
        other = next((kind for kind in ("rgbir", "rgb") if files[kind]), None)
        fix = f"There are {other.upper()} scenes: set bands={other}" if other else "Name the folder that holds them"
        raise LatentclustError.at(str(origin), f"no top_potsdam_R_C_{bands.upper()}.tif below it", fix)
    for name in labels.keys() - images.keys():
        fix = f"Add top_potsdam_{name}_{bands.upper()}.tif, or remove the labels"
        issues.append(Issue(str(labels[name]), "labels without their scene", fix))
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
    """Paths by kind (`rgb`, `rgbir`, `label`) and scene."""
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
            issues.append(Issue(str(preferred[0]), f"is there twice: {preferred[1]} too", "Keep one of them"))
        yield name, preferred[0]


def _scene(name: str, image: Path, label: Path | None, bands: Bands) -> PotsdamScene:
    height, width = _extent(image, CHANNELS[bands], bands.upper())
    if label:
        extent = _extent(label, 3, "colours")
        if extent != (height, width):
            what = f"is {extent[1]}x{extent[0]}, and its scene {image.name} is {width}x{height} (w x h)"
            raise LatentclustError.at(str(label), what, "Copy both again: they are to cover the same pixels")
    scored = name in SCORED
    return PotsdamScene(name, image, label if scored else None, bool(label) and not scored, height // CUT, width // CUT)


def _extent(path: Path, bands: int, kind: str) -> tuple[int, int]:
    with raster(path) as file:
        extent, found = (file.height, file.width), (file.count, *set(file.dtypes))
    if found != (bands, "uint8"):
        what = f"has {found[0]} bands of {', '.join(map(str, found[1:]))}, and {bands} of uint8 ({kind}) are read"
        raise LatentclustError.at(str(path), what, "Give the file as the ISPRS delivers it")
    return extent
