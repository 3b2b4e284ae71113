"""Outputs under their own names: which of them an earlier run finished, and how new ones get there."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePath

from latentclust.errors import Issue, raise_all
from latentclust.labelling.inputs import Scene
from latentclust.labelling.manifest import ELSEWHERE, Manifest
from latentclust.labelling.outcome import SceneOutcome
from latentclust.labelling.write import writing

SIDECARS = (".aux.xml", ".qml")
"""Files that other programs write into, and whose size therefore says nothing."""


def publish(folder: Path, scene: Scene, made: Path, before: SceneOutcome | None) -> Mapping[str, int]:
    """Gives the files in `made` their names beside the scene's output, the labels last.

    Args:
        folder: The output folder.
        scene: What they are made of.
        made: Holds the files under the names that they will have.
        before: What an earlier run made of the scene; its files are removed first.

    Returns:
        The bytes of each file but legends.
    """
    target = folder / scene.output
    files = {}
    with writing(target):
        _remove(folder, before)
        target.parent.mkdir(parents=True, exist_ok=True)
        for draft in sorted(made.iterdir(), key=lambda path: (path.name == target.name, path.name)):
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            place = target.with_name(draft.name)
            draft.replace(place)
            if not draft.name.endswith(SIDECARS):
                files[str(scene.output.with_name(draft.name))] = place.stat().st_size
    return files


def _remove(folder: Path, before: SceneOutcome | None) -> None:
    """Removes the files of an earlier run, and the legends beside them."""
    for name in (before.files or {}) if before else ():
        path = folder / name
        for old in (path, path.with_name(f"{path.name}.aux.xml"), path.with_suffix(".qml")):
            old.unlink(missing_ok=True)


def finished(
    manifest: Manifest, scenes: Iterable[Scene], overwrite: bool, names: Callable[[Scene], Iterable[PurePath]]
) -> frozenset[str]:
    """The outputs that are there; raises LatentclustError for files of others, and for scenes that have changed.

    Args:
        manifest: The folder's account.
        scenes: Those to be labelled.
        overwrite: Whether what is there may be replaced.
        names: The files that a scene becomes.
    """
    kept, issues = set(), []
    for scene in scenes:
        name, before = str(scene.output), manifest.scenes.get(str(scene.output))
        if before is None:
            issues += [] if name in manifest.replaced else _of_others(manifest.folder / each for each in names(scene))
        elif before.input != scene.name:
            issues.append(Issue(scene.name, f"its output {name} is that of {before.input}", ELSEWHERE))
        elif before.status == "outside" or (before.status == "done" and _whole(manifest.folder, before)):
            if (before.size, before.mtime) == stamp(scene):
                kept.add(name)
            else:
                issues.append(Issue(scene.name, "has changed since it was labelled", ELSEWHERE))
                manifest.replaced[name] = before
    if not overwrite:
        raise_all(issues)
    return frozenset(kept)


def _of_others(paths: Iterable[Path]) -> list[Issue]:
    """The files that are there already."""
    return [
        Issue(str(path), "is there, and no run in this folder wrote it", ELSEWHERE) for path in paths if path.exists()
    ]


def _whole(folder: Path, outcome: SceneOutcome) -> bool:
    """Whether everything that was written for a scene is there, at its size."""
    files = (outcome.files or {}).items()
    return all((folder / name).is_file() and (folder / name).stat().st_size == size for name, size in files)


def stamp(scene: Scene) -> tuple[int, int]:
    """Bytes of a scene's files, and when the last of them was changed; -1 and 0 where that cannot be told."""
    try:
        stats = [file.stat() for file in scene.files]
    except OSError:
        stats = []
    if not stats:
        return -1, 0
    return sum(stat.st_size for stat in stats), max(stat.st_mtime_ns for stat in stats)
