"""Matching of images and label maps by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from latentclust.api import Issue, LatentclustError

_SHOWN = 3
"""Largest number of names in an error message."""


@dataclass(frozen=True, slots=True)
class Pair:
    """An image file and the file of its label map.

    Attributes:
        name: Common name of both files, without suffix.
        image: Path of the image.
        labels: Path of the label map. None if there is none.
    """

    name: str
    image: Path
    labels: Path | None

    @property
    def files(self) -> tuple[Path, ...]:
        """Paths of the image and, if there is one, the label map."""
        return (self.image,) if self.labels is None else (self.image, self.labels)


def by_name(paths: Iterable[Path], folder: Path, ending: str = "") -> dict[str, Path]:
    """Return files by their path below `folder`, without suffix and without `ending`.

    Raises:
        LatentclustError: If two files have the same name.
    """
    named: dict[str, Path] = {}
    for path in sorted(paths):
        name = path.relative_to(folder).with_suffix("").as_posix().removesuffix(ending)
        if name in named:
            what = f"{named[name].name} and {path.name} both are {name!r}"
            raise LatentclustError.at(str(folder), what, "Keep one of the two, or rename one")
        named[name] = path
    return named


def paired(images: Mapping[str, Path], labels: Mapping[str, Path] | None, where: Path) -> tuple[Pair, ...]:
    """Return every image with its label map, sorted by name.

    Args:
        images: Image files by name.
        labels: Label files by name. None if no image has a label map.
        where: Folder, for error messages.

    Raises:
        LatentclustError: If there are no images, or an image or label map has no counterpart.
    """
    if not images:
        raise LatentclustError.at(str(where), "contains no images", "Put the images there, or name another folder")
    if labels is None:
        return tuple(Pair(name, images[name], None) for name in sorted(images))
    unlabelled, orphans = sorted(images.keys() - labels.keys()), sorted(labels.keys() - images.keys())
    issues = []
    if unlabelled:
        what = f"{len(unlabelled)} of {len(images)} images have no label map: {_first_names(unlabelled)}"
        issues.append(Issue(str(where), what, "Add their label maps, or remove these images"))
    if orphans:
        what = f"{len(orphans)} of {len(labels)} label maps have no image: {_first_names(orphans)}"
        issues.append(Issue(str(where), what, "Add their images, or remove these label maps"))
    if issues:
        raise LatentclustError(*issues)
    return tuple(Pair(name, images[name], labels[name]) for name in sorted(images))


def _first_names(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
