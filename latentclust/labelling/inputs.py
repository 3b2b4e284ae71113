"""The scenes that paths, globs, folders and lists of paths name, and what the output of each is called."""

import glob
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from latentclust.errors import Issue, LatentclustError, raise_all
from latentclust.sources import files_under, reading

SUFFIXES = frozenset({".img", ".jp2", ".tif", ".tiff", ".vrt"})
"""What is taken from a folder; a file that is named is read whatever its suffix."""

LIST = ".txt"
"""A file of paths, one a line; empty lines and those that begin with # say nothing."""

OUTPUT = ".tif"


@dataclass(frozen=True, slots=True)
class Scene:
    """A raster to be labelled.

    Attributes:
        path: Where it is, or should be.
        output: Its label raster, relative to the output folder.
    """

    path: Path
    output: PurePath

    @property
    def confidence(self) -> PurePath:
        """Its confidence raster, relative to the output folder."""
        return self.output.with_name(f"{self.output.stem}-confidence{OUTPUT}")


def find_scenes(given: Iterable[str | Path], out: Path) -> tuple[Scene, ...]:
    """The scenes, each once, in the order given.

    Args:
        given: Rasters, folders that are searched at any depth, glob patterns, and text files of paths.
        out: The output folder; what lies below it is never read.

    Raises:
        LatentclustError: with every issue at once: nothing found, an input below `out`, or two inputs whose outputs
            would have one name.
    """
    scenes, issues = _every(given, out)
    raise_all([*issues, *_inside(scenes, out), *_collisions(scenes)])
    return scenes


def find_rasters(given: Iterable[str | Path]) -> tuple[Path, ...]:
    """The rasters that are to be read only, each once, in the order given; what they are called does not matter.

    Raises:
        LatentclustError: with every issue at once: nothing given, or nothing found.
    """
    scenes, issues = _every(given, None)
    raise_all(issues)
    return tuple({scene.path.resolve(): scene.path for scene in scenes}.values())


def _every(given: Iterable[str | Path], out: Path | None) -> tuple[tuple[Scene, ...], list[Issue]]:
    """The scenes, each once, and which arguments name none."""
    scenes: dict[tuple[Path, PurePath], Scene] = {}
    issues = []
    for argument in given:
        found = list(_found(Path(argument), out.resolve() if out else None))
        if not found:
            suffixes = ", ".join(sorted(SUFFIXES))
            issues.append(Issue(str(argument), f"no raster is there ({suffixes})", "Name rasters, or a folder of them"))
        for scene in found:
            scenes.setdefault((scene.path.resolve(), scene.output), scene)
    if not scenes and not issues:
        issues.append(Issue("SCENES", "nothing is given", "Name rasters, folders or a text file of paths"))
    return tuple(scenes.values()), issues


def _found(argument: Path, out: Path | None) -> Iterator[Scene]:
    """Of one argument; a file that is not there is a scene, and will fail as one."""
    if argument.is_dir():
        paths = files_under(argument, SUFFIXES)
        yield from (_scene(path, argument) for path in paths if not (out and path.resolve().is_relative_to(out)))
    elif glob.has_magic(str(argument)) and not argument.exists():
        root = _fixed(argument)
        matches = (Path(match) for match in sorted(glob.glob(str(argument), recursive=True)))  # noqa: PTH207 - absolute
        yield from (_scene(path, root) for path in matches if path.is_file())
    elif argument.suffix.lower() == LIST:
        with reading(argument, "Give a text file of paths, one a line"):
            lines = [line.strip() for line in argument.read_text(encoding="utf-8").splitlines()]
        named = (PurePath(line) for line in lines if line and not line.startswith("#"))
        yield from (_scene(argument.parent / name, _listed(argument.parent, name)) for name in named)
    else:
        yield _scene(argument, argument.parent)


def _scene(path: Path, root: Path) -> Scene:
    return Scene(path, PurePath(path.relative_to(root)).with_suffix(OUTPUT))


def _listed(folder: Path, name: PurePath) -> Path:
    """From where an output's path is kept: the list's folder, or a scene's own that lies elsewhere."""
    return (folder / name).parent if name.is_absolute() or ".." in name.parts else folder


def _fixed(pattern: Path) -> Path:
    """The folders of a pattern before the first that holds a wildcard."""
    return next(parent for parent in pattern.parents if not glob.has_magic(str(parent)))


def _inside(scenes: Iterable[Scene], out: Path) -> Iterator[Issue]:
    for scene in scenes:
        if scene.path.resolve().is_relative_to(out.resolve()):
            yield Issue(str(scene.path), f"lies in the output folder {out}", "Choose another --out")


def _collisions(scenes: Iterable[Scene]) -> Iterator[Issue]:
    """Outputs that are called alike, also where a file system does not tell capitals apart."""
    owners: dict[str, Path] = {}
    for scene in scenes:
        for name in (scene.output, scene.confidence):
            owner = owners.setdefault(str(name).casefold(), scene.path)
            if owner != scene.path:
                what = f"its output would be {name}, and so would that of {owner}"
                yield Issue(str(scene.path), what, "Name a folder that holds both, or label them into two folders")


def check_given(given: object) -> list[str | Path]:
    """One path or several as a list; raises LatentclustError for anything else."""
    if isinstance(given, (str, Path)):
        return [given]
    if isinstance(given, Iterable):
        paths = list(given)
        if all(isinstance(path, (str, Path)) for path in paths):
            return paths
    raise LatentclustError.at("scenes", f"{given!r} is no path", "Give a path, or a list of paths")
