"""A run folder as a session: the scene and label map of a run of label maps, or nothing but the run of images."""

from pathlib import Path

from latentclust.data.roots import data_roots
from latentclust.data.scenes.opening import open_raster
from latentclust.errors import LatentclustError
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load
from latentclust.runs.run_folder import LABEL_MAP, MODEL
from latentclust.specs.parts import SceneDatasetSpec
from latentclust.specs.scenes import Scene
from latentclust.viewer.raster_pool import label_raster
from latentclust.viewer.session import Session, ViewedScene


def open_run(folder: Path) -> Session:
    """Return the scenes of a run of label maps, or a session without scenes for a run of images.

    Raises:
        LatentclustError: If the model cannot be read, or a run of label maps has no scene to show.
    """
    model = load(folder)
    title = f"{model.resolved.recipe.name} – {folder.resolve().name}"
    file = (folder / MODEL).resolve()
    scenes = _scenes(folder, model) if model.per_pixel else ()
    return Session(title, scenes, file, model.clusters, run=folder)


def _scenes(folder: Path, model: ClusteringModel) -> tuple[ViewedScene, ...]:
    """Return the scenes of the data set, the first with the label map of the run."""
    dataset = model.resolved.dataset
    if not isinstance(dataset, SceneDatasetSpec):
        what = "is a run of label maps whose data set consists of image tiles, without a scene"
        raise LatentclustError.at(str(folder), what, "Open its report.html, or pass a folder of label rasters")
    scenes = dataset.open(data_roots()).scenes
    viewed = [ViewedScene(scene.short, scene) for scene in scenes]
    path = folder / LABEL_MAP
    if scenes and path.is_file() and not path.is_symlink() and _same_size(path, scenes[0]):
        viewed[0] = ViewedScene(scenes[0].short, scenes[0], {"labels": path.resolve()})
    return tuple(viewed)


def _same_size(path: Path, scene: Scene) -> bool:
    """Return whether a label map has the pixels of a scene."""
    try:
        with open_raster(scene) as file, open_raster(label_raster(path)) as labels:
            return (file.height, file.width) == (labels.height, labels.width)
    except LatentclustError:
        return False
