"""The session that the arguments of `latentclust view` name: a run, label rasters, or a model and scenes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from latentclust.data.scenes.addresses import exists, strip_credentials
from latentclust.data.scenes.discover import find_scenes
from latentclust.data.scenes.folders import RUN_LOG
from latentclust.errors import LatentclustError
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load
from latentclust.networks.stored_model import model_file
from latentclust.runs.run_folder import MODEL, SEEDS
from latentclust.viewer.label_folder import open_label_folder
from latentclust.viewer.run_view import open_run
from latentclust.viewer.session import Session, ViewedScene

FIX = "Pass a run folder, a folder that latentclust label wrote, or a model and scenes"


def open_session(targets: Sequence[str], untrusted: bool = False) -> Session:
    """Return what the arguments of the command show.

    Args:
        targets: A folder of label rasters or a run folder alone, or a model and at least one scene.
        untrusted: Whether scenes in formats that can read other files are refused.

    Raises:
        LatentclustError: If there is nothing to show.
    """
    session = _session(targets)
    if not untrusted:
        return session
    scenes = (replace(each, scene=each.scene and replace(each.scene, untrusted=True)) for each in session.scenes)
    return replace(session, scenes=tuple(scenes))


def _session(targets: Sequence[str]) -> Session:
    """Return the session before its scenes are distrusted. No scene is drawn yet."""
    first, *scenes = targets
    folder = Path(first).expanduser()
    if scenes:
        return _model_and_scenes(folder, scenes)
    if (folder / RUN_LOG).is_file():
        return open_label_folder(folder)
    if (folder / SEEDS).is_file():
        what = "contains the runs of several seeds"
        raise LatentclustError.at(first, what, f"Name one of them: {first.rstrip('/')}/seed-0")
    if (folder / MODEL).is_file():
        return open_run(folder)
    if not exists(folder):
        raise LatentclustError.at(strip_credentials(first), "does not exist", FIX)
    if folder.is_file() and folder.suffix == ".safetensors":
        raise LatentclustError.at(first, "is a model, and no scene is given", "Add a scene, or pass the run folder")
    raise LatentclustError.at(first, f"contains neither {RUN_LOG} nor {MODEL}", FIX)


def _model_and_scenes(path: Path, scenes: Sequence[str]) -> Session:
    """Return scenes with the legend of a model and without label rasters."""
    model = load(path)
    if not model.per_pixel:
        what = "assigns one cluster to each image, and has no clusters of pixels to show on a scene"
        raise LatentclustError.at(str(path), what, "Pass a model of label maps, or the run folder alone")
    found = find_scenes(scenes, names=_band_names(model))
    viewed = tuple(ViewedScene(scene.short, scene) for scene in found)
    file = model_file(path).resolve()
    return Session(model.resolved.recipe.name, viewed, model=file, clusters=model.clusters)


def _band_names(model: ClusteringModel) -> tuple[str, ...]:
    return model.bands.names if model.bands else ()
