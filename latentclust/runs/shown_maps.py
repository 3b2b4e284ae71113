"""What is shown of a run on label maps, in figures and on the page: a scene, images, sizes and spectra of clusters."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentclust.data.raster_windows import WindowSource
from latentclust.data.scenes.opening import raster
from latentclust.data.subset import spread_indices
from latentclust.errors import LatentclustError
from latentclust.evaluate.segmentation import maps_for_figures
from latentclust.evaluate.spectra import SpectraCounter
from latentclust.labelling.measure.area_tally import AreaTally
from latentclust.labelling.measure.area_units import area_unit
from latentclust.labelling.scenes.georeference import Georeference
from latentclust.labelling.vector.ground_area import GroundArea
from latentclust.labelling.windows.array_labels import label_scene_array
from latentclust.labelling.windows.stitch import STEPS
from latentclust.model.model import ClusteringModel
from latentclust.phases import SILENT, Phases
from latentclust.report.facts import RunFacts
from latentclust.report.map_views import BandSpectra, ClusterSizes, MapView, ShownMaps
from latentclust.runs.band_values import band_names, read_image, read_rows, sorted_bands, value_kind
from latentclust.runs.map_sample import MOST_SIDE, MapSample
from latentclust.specs.data import VOID, ImageSet, SealedMaps
from latentclust.specs.parts import DatasetSpec, SceneDatasetSpec
from latentclust.specs.scenes import Scene

IMAGES_SHOWN = 10
"""Maximum number of images that are shown, evenly spread over the data set."""

MAX_SCENE_PIXELS = 2048 * 2048
"""Maximum number of pixels of a scene that a run labels as a whole."""


def too_large(dataset: DatasetSpec, tested: ImageSet) -> str | None:
    """Return why the first scene is not labelled as a whole, as a sentence. None if it is, or without a scene."""
    if not tested.scenes or not isinstance(dataset, SceneDatasetSpec):
        return None
    height, width = dataset.scene_size(tested.scenes[0])
    pixels = height * width
    if pixels <= MAX_SCENE_PIXELS:
        return None
    return (
        f"the scene {tested.scenes[0].short} was not drawn: it has {pixels:,} pixels, and a run draws at most "
        f"{MAX_SCENE_PIXELS:,}"
    )


@dataclass(frozen=True, slots=True)
class LabelledMaps:
    """The label maps of a run.

    Attributes:
        sample: Label maps of some images of the data set.
        scene: The first scene with its label map, every pixel of it. None if there is none.
    """

    sample: MapSample
    scene: MapView | None


def label_scene(model: ClusteringModel, tested: ImageSet, seed: int, phases: Phases = SILENT) -> MapView | None:
    """Return the first scene with its label map, every pixel of it.

    None without a scene, or if it has more than `MAX_SCENE_PIXELS` pixels.
    """
    dataset = model.resolved.dataset
    if not tested.scenes or not isinstance(dataset, SceneDatasetSpec) or too_large(dataset, tested):
        return None
    phases.begin("labelling a scene")
    image, valid = dataset.read_scene(tested.scenes[0])
    certainty = np.zeros(valid.shape, np.uint8)
    labels = label_scene_array(model, image, valid, seed, certainty)
    return MapView(
        tested.scenes[0].short, model.shown(image), labels, _probability(certainty, model.clusters), valid=valid
    )


def shown_maps(model: ClusteringModel, tested: ImageSet, maps: LabelledMaps, facts: RunFacts) -> ShownMaps:
    """Return what is shown of a run on label maps.

    Args:
        model: Trained model.
        tested: Data set that was scored.
        maps: Label maps of some of its images, and of a scene if there is one.
        facts: Facts of the run.
    """
    sample, scene = maps.sample, maps.scene
    views = [
        view_image(model, tested, sample, at, facts)
        for at in spread_indices(len(sample.indices), IMAGES_SHOWN).tolist()
    ]
    if scene is None:
        where = f"the {facts.protocol.unit} that were scored"
        return ShownMaps(
            views, ClusterSizes(where, facts.occupancy), _spectra_of_images(tested, sample, model.clusters)
        )
    step = max(1, -(-max(scene.labels.shape) // MOST_SIDE))
    thin, where = scene.thinned(step), f"the scene {scene.name}"
    source = tested.source
    spectra = (
        _spectra_of_scene(source, thin, model.clusters, where)
        if isinstance(source, WindowSource)
        else _spectra_of_images(tested, sample, model.clusters)
    )
    return ShownMaps([thin, *views], _scene_sizes(tested.scenes[0], scene, model.clusters, where), spectra)


def view_image(model: ClusteringModel, tested: ImageSet, sample: MapSample, at: int, facts: RunFacts) -> MapView:
    """Return the image at a position of the sample with its label map, and with ground truth if it was scored."""
    index = sample.indices[at : at + 1]
    thin = (slice(None, None, sample.step), slice(None, None, sample.step))
    truth: NDArray[np.int16] | None = None
    if isinstance(tested.labels, SealedMaps) and facts.table is not None:
        truth = maps_for_figures(tested.labels, index)[0][thin]
    image = model.shown(tested.source.read(index)[0][:, *thin])
    name = tested.paths[index[0]] if tested.paths else f"image {index[0] + 1:,}"
    return MapView(name, image, sample.labels[at], sample.confidence[at], truth, sample.step)


def _probability(certainty: NDArray[np.uint8], clusters: int) -> NDArray[np.float32]:
    """Return the probability of the chosen cluster from its confidence, which is 1 for chance and 255 for certainty."""
    share = np.clip((certainty.astype(np.float32) - 1) / STEPS, 0, 1)
    return (share * (1 - 1 / clusters) + 1 / clusters).astype(np.float32)


def _spectra_of_images(tested: ImageSet, sample: MapSample, clusters: int) -> BandSpectra:
    source, names = tested.source, band_names(tested.source)
    order, counter = sorted_bands(source, names), SpectraCounter(clusters, len(names))
    for index, labels in zip(sample.indices.tolist(), sample.labels, strict=True):
        counter.add(read_image(source, index, sample.step)[order], labels)
    shown = len(sample.indices)
    part = "" if shown == len(source) else f" of {len(source):,}, evenly spread"
    where = f"{shown:,} images{part}" if shown > 1 else f"1 image{part}"
    return BandSpectra(counter.result(), [names[band] for band in order], value_kind(source), where)


def _spectra_of_scene(source: WindowSource, thin: MapView, clusters: int, where: str) -> BandSpectra:
    names = band_names(source)
    order, counter = sorted_bands(source, names), SpectraCounter(clusters, len(names))
    for top, values in read_rows(source, 0, thin.step):
        counter.add(values[order], thin.labels[top : top + values.shape[1]])
    return BandSpectra(counter.result(), [names[band] for band in order], value_kind(source), where)


def _scene_sizes(scene: Scene, view: MapView, clusters: int, where: str) -> ClusterSizes:
    """Return the sizes of the clusters in a scene, with areas if its position on the ground is known."""
    try:
        with raster(scene) as file:
            ground = GroundArea.from_georeference(Georeference.from_dataset(file))
    except LatentclustError:  # A data set of a plugin may have scenes that are no files.
        ground = GroundArea.from_georeference(Georeference(view.labels.shape, None, None, (), None))
    tally = AreaTally(clusters + 1, ground)
    tally.add(view.labels - VOID, 0)
    areas = tally.areas[1:]
    if np.isnan(areas).any():
        return ClusterSizes(where, tally.counts[1:])
    square_metres, unit = area_unit(areas.tolist())
    return ClusterSizes(where, tally.counts[1:], areas / square_metres, unit or "")
