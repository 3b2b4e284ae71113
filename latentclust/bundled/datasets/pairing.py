"""Images and their label files, matched by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from latentclust.api import Issue, LatentclustError

_TOLD = 3
"""How many names an error gives."""


@dataclass(frozen=True, slots=True)
class Pair:
    """An image file, and the file of its label map.

    Attributes:
        name: What the two have in common, without suffix.
        image: The image file.
        labels: The file of its label map, or None where there is none.
    """

    name: str
    image: Path
    labels: Path | None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that there are."""
        return (self.image,) if self.labels is None else (self.image, self.labels)


def by_name(paths: Iterable[Path], folder: Path, ending: str = "") -> dict[str, Path]:
    """Files by their path below `folder`, without suffix and without `ending`.

    Raises:
        LatentclustError: two files of one name.
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
    """Every image with its label map, sorted by name.

    Args:
        images: Image files by name.
        labels: Label files by name, or None where there are none for any image.
        where: The folder that an error names.

    Raises:
        LatentclustError: no image, an image without labels, or labels without an image, with counts and names.
    """
    if not images:
        raise LatentclustError.at(str(where), "no images in it", "Put the images there, or name another folder")
    if labels is None:
        return tuple(Pair(name, images[name], None) for name in sorted(images))
    lacking, orphans = sorted(images.keys() - labels.keys()), sorted(labels.keys() - images.keys())
    issues = []
    if lacking:
        what = f"{len(lacking)} of {len(images)} images have no label map: {_told(lacking)}"
        issues.append(Issue(str(where), what, "Add their label maps, or take these images away"))
    if orphans:
        what = f"{len(orphans)} of {len(labels)} label maps have no image: {_told(orphans)}"
        issues.append(Issue(str(where), what, "Add their images, or take these label maps away"))
    if issues:
        raise LatentclustError(*issues)
    return tuple(Pair(name, images[name], labels[name]) for name in sorted(images))


def _told(names: list[str]) -> str:
    return ", ".join(names[:_TOLD]) + (", …" if len(names) > _TOLD else "")
