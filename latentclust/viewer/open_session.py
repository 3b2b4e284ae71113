"""The session that the arguments of `latentclust view` name: a run, label rasters, or a model with scenes or images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from latentclust.data.scenes.addresses import exists, strip_credentials
from latentclust.data.scenes.discover import find_scenes
from latentclust.data.scenes.folders import RUN_LOG
from latentclust.errors import LatentclustError
from latentclust.model.model import ClusteringModel
from latentclust.model.model_file import load
from latentclust.networks.stored_model import model_file
from latentclust.phases import SILENT, Phases
from latentclust.runs.run_folder import MODEL, SEEDS
from latentclust.viewer.label_folder import open_label_folder
from latentclust.viewer.run_view import open_run
from latentclust.viewer.session import Session, ViewedScene

FIX = "Pass a run folder, a folder that latentclust label wrote, or a model and scenes or images"


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """How the images are read that a model labels for the session.

    Attributes:
        resize: Whether images of another size are resized.
        skip_bad: Whether image files that cannot be read are left out.
        range: Values of arrays that are scaled to 0 and 1. None: as in the training.
    """

    resize: bool = False
    skip_bad: bool = False
    range: tuple[float, float] | None = None

    @property
    def given(self) -> tuple[str, ...]:
        """The options of the command that differ from their defaults."""
        given = {"--resize": self.resize, "--skip-bad": self.skip_bad, "--range": self.range is not None}
        return tuple(name for name, is_given in given.items() if is_given)


def open_session(
    targets: Sequence[str],
    untrusted: bool = False,
    images: ImageOptions | None = None,
    phases: Phases = SILENT,
    base_map: bool = False,
) -> Session:
    """Return what the arguments of the command show.

    Args:
        targets: A folder of label rasters or a run folder alone, or a model and at least one scene, or images.
        untrusted: Whether scenes in formats that can read other files are refused.
        images: How images are read.
        phases: Tells the progress of labelling images.
        base_map: Whether the page may ask for a base map.

    Raises:
        LatentclustError: If there is nothing to show, or an option applies to nothing.
    """
    of_scenes = {"--untrusted": untrusted, "--base-map": base_map}
    given = tuple(name for name, is_given in of_scenes.items() if is_given)
    first, *others = targets
    images = images or ImageOptions()
    if others:
        folder = Path(first).expanduser()
        model = load(folder)
        if not model.per_pixel:
            _refuse(given, "scenes")  # before the images are labelled
            return _images(folder, model, others, images, phases)
        session = _scenes(folder, model, others)
    else:
        session = _stored_session(first)
    _refuse(images.given, "images that a model labels")
    _refuse(() if session.scenes else given, "scenes")
    session = replace(session, base_map=base_map)
    if not untrusted:
        return session
    scenes = (replace(each, scene=each.scene and replace(each.scene, untrusted=True)) for each in session.scenes)
    return replace(session, scenes=tuple(scenes))


def _refuse(options: Sequence[str], subject: str) -> None:
    """Raise LatentclustError if options are given that apply to nothing that is shown."""
    if options:
        raise LatentclustError.at(options[0], f"is for {subject}, and there are none", "Leave it out")


def _stored_session(first: str) -> Session:
    """Return the session of a folder before its scenes are distrusted. No scene is drawn yet."""
    folder = Path(first).expanduser()
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
        raise LatentclustError.at(
            first, "is a model, and nothing else is given", "Add scenes or images, or pass the run folder"
        )
    raise LatentclustError.at(first, f"contains neither {RUN_LOG} nor {MODEL}", FIX)


def _images(
    path: Path, model: ClusteringModel, images: Sequence[str], options: ImageOptions, phases: Phases
) -> Session:
    """Return images after the model has assigned them to its clusters."""
    from latentclust.viewer.gallery.labelled_images import label_images

    paths = [Path(image) for image in images]
    gallery, notes = label_images(model, paths, options.resize, options.skip_bad, options.range, phases)
    title = f"{model.resolved.recipe.name} – {paths[0].resolve().name}{', …' if len(paths) > 1 else ''}"
    return Session(title, model=model_file(path).resolve(), clusters=model.clusters, gallery=gallery, notes=notes)


def _scenes(path: Path, model: ClusteringModel, scenes: Sequence[str]) -> Session:
    """Return scenes with the legend of a model and without label rasters."""
    found = find_scenes(scenes, names=_band_names(model))
    viewed = tuple(ViewedScene(scene.short, scene) for scene in found)
    file = model_file(path).resolve()
    return Session(model.resolved.recipe.name, viewed, model=file, clusters=model.clusters)


def _band_names(model: ClusteringModel) -> tuple[str, ...]:
    return model.bands.names if model.bands else ()
