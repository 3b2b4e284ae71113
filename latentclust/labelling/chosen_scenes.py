"""Scenes as the user chooses them: which ones, with which bands, masks and dates, and how their values are read."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from rasterio.io import DatasetReader

from latentclust.data.rasters import BandReading
from latentclust.data.scenes.bands import BandMatch, match_bands, scene_notes
from latentclust.data.scenes.discover import check_given, find_scenes
from latentclust.data.scenes.opening import open_raster
from latentclust.errors import LatentclustError
from latentclust.labelling.outputs.publish import input_state
from latentclust.labelling.scene_options import SceneOptions
from latentclust.labelling.scenes.normalisation import Normalisation
from latentclust.labelling.scenes.reader import band_reading
from latentclust.model.model import ClusteringModel
from latentclust.specs.scenes import Scene


@dataclass(frozen=True, slots=True)
class ChosenScenes:
    """Scenes, and how they are read.

    Attributes:
        scenes: The scenes.
        bands: How the model reads bands.
        normalisation: How values of scenes are brought to those of the training data. None for scale and offset only.
    """

    scenes: tuple[Scene, ...]
    bands: BandReading
    normalisation: Normalisation | None = None


def choose_scenes(
    model: ClusteringModel,
    given: str | Path | Iterable[str | Path],
    options: SceneOptions,
    *,
    where: tuple[str, str] = ("SCENES", "--bands"),
    origin: str = "model",
    out: Path | None = None,
) -> ChosenScenes:
    """Find scenes. None is opened but the one that others are normalised to.

    Args:
        model: A model of label maps.
        given: Scenes, see `find_scenes`.
        options: How scenes are read.
        where: Names of `given` and of the bands in messages.
        origin: Name of the model in messages.
        out: Output folder, which is never searched.

    Raises:
        LatentclustError: If nothing is found, or the model or the scene to normalise to is unsuitable.
    """
    bands = band_reading(model, origin)
    if options.nodata is not None:
        bands = replace(bands, nodata=options.nodata)
    scenes = _find(check_given(given), options, bands, where, out)
    return ChosenScenes(scenes, bands, _normalisation(options, bands))


def match_scene(
    file: DatasetReader, scene: Scene, bands: BandReading, normalisation: Normalisation | None
) -> BandMatch:
    """Match the bands of an open scene with those of the model; see `match_bands`. Warnings tell of its mask, too."""
    normalise = normalisation.curves if normalisation else None
    found = match_bands(file, bands, scene.name, scene.requested, normalise=normalise)
    return replace(found, warnings=found.warnings + scene_notes(file, scene))


def _find(
    given: Iterable[str | Path],
    options: SceneOptions,
    reading: BandReading,
    where: tuple[str, str],
    out: Path | None = None,
) -> tuple[Scene, ...]:
    """Return scenes as the options say: their bands, masks and dates, and whether they are trusted."""
    names = () if options.stack else reading.names
    stack = "--stack" if options.stack else ""
    scenes = find_scenes(given, out, options.bands, names, where=where, masks=options.masks, stack=stack)
    return tuple(replace(scene, untrusted=options.untrusted) for scene in scenes)


def _normalisation(options: SceneOptions, bands: BandReading) -> Normalisation | None:
    """Return the normalisation of scenes. Raise LatentclustError if the model or the other scene is unsuitable."""
    if options.normalise_to is None:
        found = None if options.normalise == "none" else Normalisation()
    else:
        where = ("--normalise-to", "--bands")
        others = _find([options.normalise_to], options, bands, where)
        if len(others) != 1:
            what = f"{str(options.normalise_to)!r} is {len(others)} scenes"
            raise LatentclustError.at(where[0], what, "Give one raster, or one set of files with --bands or --stack")
        with open_raster(others[0]):  # A scene that cannot be read fails once, and not for each scene.
            found = Normalisation(others[0], input_state(others[0]))
    if found:
        found.check(bands)
    return found
