"""The report's figures of label maps, drawn from a finished run."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentclust.evaluate.match import UNMATCHED
from latentclust.evaluate.segmentation import maps_for_figures
from latentclust.labelling.windows.array_labels import label_scene_array
from latentclust.model.model import ClusteringModel
from latentclust.report.display_names import class_names, cluster_names
from latentclust.report.facts import ReportFigure, RunFacts
from latentclust.report.label_map_figures import MapRow, map_sheet, scene_figure, write_label_map
from latentclust.report.map_colours import cluster_colours
from latentclust.report.plotting import save_figure
from latentclust.runs.label_maps import label_maps
from latentclust.runs.run_folder import LABEL_MAP, MAPS, SCENE
from latentclust.runs.subset import spread_indices, subset
from latentclust.specs.data import ImageSet, SealedMaps
from latentclust.specs.parts import DatasetSpec, SceneDatasetSpec

SHOWN = 10
"""Images on the sheet, evenly spread over the set."""

MOST_OF_A_SCENE = 2048 * 2048
"""Pixels of the largest scene that a run labels whole."""


def draw_sheet(folder: Path, model: ClusteringModel, tested: ImageSet, facts: RunFacts) -> ReportFigure:
    """Some images of the set beside their label maps, into `figures/`."""
    chosen = spread_indices(len(tested.source), SHOWN)
    part = subset(tested, chosen)
    rows = []
    for batch in label_maps(model, part):
        images = part.source.read(batch.indices)
        truth: NDArray[np.int16] | None = None
        if isinstance(part.labels, SealedMaps) and facts.table is not None:
            truth = maps_for_figures(part.labels, batch.indices)
        rows += [
            MapRow(image, None if truth is None else truth[at], batch.labels[at], batch.confidence[at])
            for at, image in enumerate(images)
        ]
    names = cluster_names(facts.clusters, facts.matching, facts.classes)
    save_figure(map_sheet(rows, _colours(facts), names, _missed(facts)), folder / MAPS)
    what = "Images of the set, evenly spread; a cluster has the colour of the class that it is matched with."
    return ReportFigure(MAPS, what if facts.table is not None else "Images of the set, evenly spread.")


def draw_scene(folder: Path, model: ClusteringModel, tested: ImageSet, facts: RunFacts) -> list[ReportFigure]:
    """The first scene that the set's samples are windows of, as a figure and as a PNG of clusters.

    Nothing without a scene, nor for one of more than `MOST_OF_A_SCENE` pixels.
    """
    dataset = model.resolved.dataset
    if not tested.scenes or not isinstance(dataset, SceneDatasetSpec) or too_large(dataset, tested):
        return []
    image, valid = dataset.read_scene(tested.scenes[0])
    labels = label_scene_array(model, image, valid, facts.seed).astype(np.int64)
    colours, names = _colours(facts), cluster_names(facts.clusters, facts.matching, facts.classes)
    write_label_map(folder / LABEL_MAP, labels, colours)
    save_figure(scene_figure(image, labels, colours, names), folder / SCENE)
    what = f"The scene {tested.scenes[0].name}; {LABEL_MAP} holds its clusters, from 1, and 0 where there is no data."
    return [ReportFigure(SCENE, what)]


def too_large(dataset: DatasetSpec, tested: ImageSet) -> str | None:
    """Why the first scene is not labelled whole, as a sentence; None where it is, or where there is none."""
    if not tested.scenes or not isinstance(dataset, SceneDatasetSpec):
        return None
    height, width = dataset.scene_size(tested.scenes[0])
    pixels = height * width
    if pixels <= MOST_OF_A_SCENE:
        return None
    return f"the scene {tested.scenes[0].name} has {pixels:,} pixels, and a run draws none of over {MOST_OF_A_SCENE:,}"


def _colours(facts: RunFacts) -> NDArray[np.float32]:
    classes = 0 if facts.table is None else facts.table.shape[1]
    return cluster_colours(facts.clusters, facts.matching, classes)


def _missed(facts: RunFacts) -> list[str]:
    """The name of each class that has pixels and no cluster, in its place, and otherwise nothing."""
    if facts.table is None or facts.matching is None:
        return []
    names = class_names(facts.classes, facts.table.shape[1])
    matched = set(facts.matching[facts.matching != UNMATCHED].tolist())
    pixels = facts.table.sum(axis=0)
    return ["" if number in matched or not pixels[number] else name for number, name in enumerate(names)]
