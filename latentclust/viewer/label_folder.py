"""A folder of label rasters as a session: its scenes, rasters, dates and model."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from latentclust.data.scenes.addresses import exists, is_address, resolve_links
from latentclust.data.scenes.discover import find_scenes
from latentclust.errors import LatentclustError
from latentclust.labelling.clusters.recolour import classes_raster
from latentclust.labelling.label_report import SceneResult
from latentclust.labelling.output_options import STAC_SUFFIX
from latentclust.labelling.run_log import RunLog, model_fingerprint, read_run_log
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load
from latentclust.specs.scenes import RASTERS, Scene
from latentclust.viewer.session import LABELS, Session, ViewedScene, is_file_inside

FIX = "Label the scenes again with latentclust label"
MASKING = ("mask", "nodata")
"""Options of a run log by which pixels are left out that the scene itself does not declare as nodata."""

EXPANDED = 64
"""Largest number of files that a name with braces stands for."""


def open_label_folder(folder: Path) -> Session:
    """Return the scenes of a folder that latentclust label wrote.

    Raises:
        LatentclustError: If the run log is damaged, or no scene has a label raster in the folder.
    """
    log = read_run_log(folder, FIX)
    done = [result for result in log.scenes.values() if result.status == "done"]
    if not done:
        raise LatentclustError.at(str(folder), "contains no finished label raster", FIX)
    model, notes = _model(log)
    names = model.bands.names if model is not None and model.bands is not None else ()
    scenes = sorted((_viewed(log, result, names) for result in done), key=lambda scene: scene.moment)
    left_out = [f"{scene.title}: {scene.problem}" for scene in scenes if not scene.rasters]
    shown = tuple(scene for scene in scenes if scene.rasters)
    if not shown:
        raise LatentclustError.at(str(folder), f"no label raster can be shown ({left_out[0]})", FIX)
    path, clusters = (Path(log.model_path), model.clusters) if model is not None else (None, 0)
    title = folder.resolve().name or str(folder)
    return Session(title, shown, path, clusters, labels=folder, notes=(*notes, *left_out))


def _model(log: RunLog) -> tuple[ClusteringModel | None, tuple[str, ...]]:
    """Return the model that labelled a folder, or None and why it is not used."""
    if not log.model_path:
        return None, ()
    try:
        model = load(log.model_path)
    except LatentclustError as error:
        return None, (f"Names are those of the rasters: {error}",)
    if model_fingerprint(model) != log.model:
        return None, (f"Names are those of the rasters: {log.model_path} is not the model that labelled them.",)
    return model, ()


def _viewed(log: RunLog, result: SceneResult, names: Sequence[str]) -> ViewedScene:
    """Return a scene of the log with the rasters that exist in the folder."""
    paths = dict(_rasters(log.folder, result.output))
    problem = "" if paths else "its label raster is missing, or lies outside the folder"
    scene = None
    if not result.joined:
        try:
            scene = scene_of(result.input, log.options, names)
        except LatentclustError as error:
            problem = problem or str(error)
    item = log.folder / Path(result.output).with_suffix(STAC_SUFFIX)
    moment = _moment(item if is_file_inside(item, log.folder) else None, scene)
    masked = LABELS in paths and any(log.options.get(option) is not None for option in MASKING)
    return ViewedScene(Path(result.output).with_suffix("").as_posix(), scene, paths, moment, problem, masked)


def _rasters(folder: Path, output: str) -> Iterator[tuple[str, Path]]:
    """Yield the rasters of an output by kind, unless a link or a path leads out of the folder."""
    labels = folder / output
    for kind in RASTERS:
        path = {"labels": labels, "classes": classes_raster(labels)}.get(kind)
        path = path or labels.with_name(f"{labels.stem}-{kind}{labels.suffix}")
        if is_file_inside(path, folder):
            yield kind, resolve_links(path)


def scene_of(name: str, options: Any, names: Sequence[str] = ()) -> Scene:
    """Return the scene that a run log names.

    Args:
        name: Path, address without secrets, or path of joined files with their bands in braces.
        options: Options of the log.
        names: Names of the bands of the model.

    Raises:
        LatentclustError: If the scene cannot be found.
    """
    bands, given = tuple(options.get("bands") or ()), [name]
    before, brace, rest = name.rpartition("{")
    words, _, after = rest.partition("}")
    if brace and not exists(name) and len(words.split(",")) <= EXPANDED:
        bands = bands or tuple(words.split(","))
        given = [f"{before}{word}{after}" for word in words.split(",")]
    found = find_scenes(given, bands=bands, names=names)[0]
    missing = next((path for path in found.files if not path.exists()), None)
    if found.error:
        raise LatentclustError(found.error)
    if missing is not None or (not found.files and not is_address(name)):
        raise LatentclustError.at(name, "the scene does not exist any more", "Put it back to see it below its labels")
    return found


def _moment(item: Path | None, scene: Scene | None) -> str:
    """Return the acquisition time in a STAC item, or the start of its time range; empty if there is none."""
    for path in (item, scene.item if scene else None):
        try:
            properties = json.loads(path.read_bytes())["properties"] if path else {}
        except (OSError, ValueError, KeyError, TypeError):
            continue
        found = properties.get("datetime") or properties.get("start_datetime")
        if isinstance(found, str):
            return found
    return ""
