"""Outputs under their own names: which of them an earlier run finished, and how new ones get there."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePath

from latentclust.errors import Issue, raise_all
from latentclust.labelling.label_report import UNKNOWN_SIZE, SceneResult
from latentclust.labelling.outputs.cog import write_errors
from latentclust.labelling.outputs.sidecars import sidecar_paths
from latentclust.labelling.run_log import CHOOSE_OTHER_FOLDER, RunLog
from latentclust.labelling.scenes.inputs import Scene

SIDECAR_SUFFIXES = (".aux.xml", ".qml")
"""Files that other programs write into, and whose size therefore says nothing."""


def publish_outputs(folder: Path, output: PurePath, made: Path, before: SceneResult | None) -> Mapping[str, int]:
    """Gives the files in `made` their names beside a scene's output, the labels last.

    Args:
        folder: The output folder.
        output: The scene's, relative to the folder.
        made: Holds the files under the names that they will have.
        before: What is there of an earlier run and will not do; its files are removed first.

    Returns:
        The bytes of each file but legends.

    Raises:
        LatentclustError: A file that cannot be written.
    """
    target = folder / output
    drafts = sorted(made.iterdir(), key=lambda path: (path.name == target.name, path.name))
    files = {}
    with write_errors(target):
        for draft in drafts:
            with draft.open("rb") as file:
                os.fsync(file.fileno())
        remove_outputs(folder, before)
        target.parent.mkdir(parents=True, exist_ok=True)
        for draft in drafts:
            place = target.with_name(draft.name)
            draft.replace(place)
            if not draft.name.endswith(SIDECAR_SUFFIXES):
                files[str(output.with_name(draft.name))] = place.stat().st_size
    return files


def remove_outputs(folder: Path, before: SceneResult | None) -> None:
    """Removes the files of an earlier run, and the legends beside them; raises LatentclustError where it cannot."""
    for name in (before.files or {}) if before else ():
        path = folder / name
        with write_errors(path):
            for old in (path, *sidecar_paths(path)):
                old.unlink(missing_ok=True)


def existing_files(folder: Path, before: SceneResult | None) -> list[str]:
    """Those files of an earlier run that are there."""
    return [name for name in (before.files or {}) if (folder / name).exists()] if before else []


def finished_scenes(
    manifest: RunLog, scenes: Iterable[Scene], overwrite: bool, names: Callable[[Scene], Iterable[PurePath]]
) -> frozenset[str]:
    """The outputs that are there; raises LatentclustError for files of others, and for scenes that have changed.

    Args:
        manifest: The folder's account; it keeps in mind what is there of the other scenes.
        scenes: Those to be labelled.
        overwrite: Whether what is there may be replaced.
        names: The files that a scene becomes.
    """
    kept, issues = set(), []
    for scene in scenes:
        before = manifest.scenes.get(str(scene.output))
        if before is None or not before.files:
            issues += _foreign_files(manifest, scene, names(scene))
        if before is None:
            continue
        ended = _is_complete(manifest.folder, before)
        differences = _differences(scene, before, ended)
        if ended and not differences:
            kept.add(before.output)
        else:
            issues += differences
            manifest.mark_replaced(before)
    if not overwrite:
        raise_all(issues)
    return frozenset(kept)


def _foreign_files(manifest: RunLog, scene: Scene, names: Iterable[PurePath]) -> list[Issue]:
    """The files that are there already, where none of them is of an earlier run."""
    if str(scene.output) in manifest.replaced:
        return []
    there = (path for name in names if (path := manifest.folder / name).exists())
    return [Issue(str(path), "is there, and no run in this folder wrote it", CHOOSE_OTHER_FOLDER) for path in there]


def _differences(scene: Scene, before: SceneResult, ended: bool) -> list[Issue]:
    """Why what is there is not what would be made of a scene now."""
    if before.input != scene.name:
        return [Issue(scene.name, f"its output {before.output} is that of {before.input}", CHOOSE_OTHER_FOLDER)]
    if ended and (before.size, before.mtime) != input_state(scene):
        return [Issue(scene.name, "has changed since it was labelled", CHOOSE_OTHER_FOLDER)]
    return []


def _is_complete(folder: Path, outcome: SceneResult) -> bool:
    """Whether a scene has no pixel in the area, or everything that was written for it is there, at its size."""
    return outcome.status == "outside" or (
        outcome.status == "done"
        and all(
            (folder / name).is_file() and size in (UNKNOWN_SIZE, (folder / name).stat().st_size)
            for name, size in (outcome.files or {}).items()
        )
    )


def input_state(scene: Scene) -> tuple[int, int]:
    """Bytes of a scene's files, and when they were changed; -1 and 0 where that cannot be told.

    Of several files the second is a checksum of the bytes and the time of each, so that no change of one is made up for
    by another.
    """
    try:
        stats = [(stat.st_size, stat.st_mtime_ns) for stat in (file.stat() for file in scene.files)]
    except OSError:
        stats = []
    if not stats:
        return -1, 0
    if len(stats) == 1:
        return stats[0]
    digest = hashlib.sha256(repr(stats).encode()).digest()
    return sum(size for size, _ in stats), int.from_bytes(digest[:7])
