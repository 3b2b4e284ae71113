"""Publishing of outputs under their final names, and the outputs that an earlier run finished."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePath

from latentclust.data.scenes.addresses import exists
from latentclust.errors import Issue, LatentclustError, raise_all
from latentclust.labelling.label_report import UNKNOWN_SIZE, SceneResult
from latentclust.labelling.measure.zone_table import ZONE_TABLE_SUFFIX
from latentclust.labelling.outputs.cog import write_errors
from latentclust.labelling.outputs.sidecars import AREA_TABLE_SUFFIX, sidecar_paths
from latentclust.labelling.run_log import CHOOSE_OTHER_FOLDER, RunLog
from latentclust.specs.scenes import Scene

SIDECAR_SUFFIXES = (".aux.xml", ".qml", AREA_TABLE_SUFFIX)
"""Suffixes of files whose size is not checked, because other programs write into them."""


def publish_outputs(folder: Path, output: PurePath, made: Path, before: SceneResult | None) -> Mapping[str, int]:
    """Move the files in `made` to their final place in the output folder, the labels last.

    Args:
        folder: Output folder.
        output: Label raster of the scene, relative to the folder.
        made: Folder that contains the files under their final names.
        before: Outdated result of an earlier run. Its files are removed first.

    Returns:
        Size in bytes of each file except sidecars.

    Raises:
        LatentclustError: If a file cannot be written.
    """
    target = folder / output
    drafts = sorted(made.iterdir(), key=lambda path: (path.name == target.name, path.name))
    foreign = [draft.name for draft in drafts if not draft.name.startswith(target.stem)]
    if foreign:
        what = f"a driver wrote {foreign[0]!r}, which is no output of this scene; nothing was published"
        raise LatentclustError.at(str(target), what, "Rename the scene")
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
    """Remove the files of an earlier run and their sidecars. Raise LatentclustError if that fails."""
    for name in (before.files or {}) if before else ():
        path = folder / name
        with write_errors(path):
            for old in (path, *sidecar_paths(path)):
                old.unlink(missing_ok=True)


def existing_files(folder: Path, before: SceneResult | None) -> list[str]:
    """Return the files of an earlier run that exist."""
    return [name for name in (before.files or {}) if exists(folder / name)] if before else []


def finished_scenes(
    run_log: RunLog, scenes: Iterable[Scene], overwrite: bool, names: Callable[[Scene], Iterable[PurePath]]
) -> frozenset[str]:
    """Return the outputs of an earlier run that are complete and up to date.

    Args:
        run_log: Run log of the output folder. Outdated results are marked as replaced in it.
        scenes: Scenes to be labelled.
        overwrite: Whether existing files may be replaced.
        names: Returns the output files of a scene.

    Raises:
        LatentclustError: If `overwrite` is false, and a scene has changed or a file is not from a run in this folder.
    """
    kept, issues = set(), []
    for scene in scenes:
        before = run_log.scenes.get(str(scene.output))
        if before is None or not before.files:
            issues += foreign_files(run_log, scene, names(scene))
        if before is None:
            continue
        complete = is_complete(run_log.folder, before)
        differences = _differences(scene, before, complete)
        if complete and not differences:
            kept.add(before.output)
        else:
            issues += differences
            run_log.mark_replaced(before)
    if not overwrite:
        raise_all(issues)
    return frozenset(kept)


def foreign_files(run_log: RunLog, scene: Scene, names: Iterable[PurePath]) -> list[Issue]:
    """Return an issue for each existing output file of a scene that no earlier run has written."""
    if str(scene.output) in run_log.replaced:
        return []
    existing = (path for name in names if exists(path := run_log.folder / name))
    what = "already exists, and was not written by a run in this folder"
    return [Issue(str(path), what, CHOOSE_OTHER_FOLDER) for path in existing]


def _differences(scene: Scene, before: SceneResult, complete: bool) -> list[Issue]:
    """Return the reasons why the result of an earlier run is outdated."""
    if before.input != scene.name:
        return [Issue(scene.name, f"its output {before.output} already belongs to {before.input}", CHOOSE_OTHER_FOLDER)]
    if complete and (before.size, before.mtime) != input_state(scene):
        return [Issue(scene.name, "has changed since it was labelled", CHOOSE_OTHER_FOLDER)]
    return []


def is_complete(folder: Path, outcome: SceneResult) -> bool:
    """Return whether a scene has no pixels in the area, or all its output files exist with their recorded sizes.

    Tables of zones may be missing or edited: they are measured again without labelling, or stay as they are.
    """
    return outcome.status == "outside" or (
        outcome.status == "done"
        and all(
            (folder / name).is_file() and size in (UNKNOWN_SIZE, (folder / name).stat().st_size)
            for name, size in (outcome.files or {}).items()
            if not name.endswith(ZONE_TABLE_SUFFIX)
        )
    )


def input_state(scene: Scene) -> tuple[int, int]:
    """Return the size of a scene's files in bytes and their time of change, or -1 and 0 if these are unknown.

    If the scene has several files, the second value is a checksum of all sizes and times. So two changes cannot cancel
    each other out.
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
