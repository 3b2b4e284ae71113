"""Outputs under their own names: which of them an earlier run finished, and how new ones get there."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from latentclust.errors import Issue, raise_all
from latentclust.labelling.inputs import Scene
from latentclust.labelling.manifest import ELSEWHERE, Manifest
from latentclust.labelling.outcome import SceneOutcome
from latentclust.labelling.scene import Drafts
from latentclust.labelling.write import writing


def publish(folder: Path, scene: Scene, drafts: Drafts) -> Mapping[str, int]:
    """Gives finished rasters their names, the labels last; the bytes of each."""
    pairs = [(scene.confidence, drafts.confidence), (scene.output, drafts.labels)]
    files = {}
    for name, draft in pairs:
        target = folder / name
        if draft is None:
            continue
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            draft.replace(target)
            files[str(name)] = target.stat().st_size
    return files


def finished(manifest: Manifest, scenes: Iterable[Scene], overwrite: bool, confidence: bool) -> frozenset[str]:
    """The outputs that are there; raises LatentclustError for files of others, and for scenes that have changed."""
    kept, issues = set(), []
    for scene in scenes:
        name, before = str(scene.output), manifest.scenes.get(str(scene.output))
        names = (scene.output, scene.confidence) if confidence else (scene.output,)
        there = [manifest.folder / each for each in names if (manifest.folder / each).exists()]
        if before is None:
            issues += [Issue(str(path), "is there, and no run in this folder wrote it", ELSEWHERE) for path in there]
        elif before.input != scene.name:
            issues.append(Issue(scene.name, f"its output {name} is that of {before.input}", ELSEWHERE))
        elif before.status == "done" and _whole(manifest.folder, before):
            if (before.size, before.mtime) == stamp(scene):
                kept.add(name)
            else:
                issues.append(Issue(scene.name, "has changed since it was labelled", ELSEWHERE))
    if not overwrite:
        raise_all(issues)
    return frozenset(kept)


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
