"""The report's figures, drawn from a finished run into its folder `figures/`."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentclust.data.subset import spread_indices
from latentclust.evaluate.contingency import classes_for_figures
from latentclust.evaluate.match import UNMATCHED
from latentclust.model.model import ClusteringModel
from latentclust.phases import SILENT, Phases
from latentclust.report.colours import cluster_colours
from latentclust.report.display_names import class_names, cluster_names, display_name
from latentclust.report.embedding import by_class, by_cluster, code_maps
from latentclust.report.facts import ReportFigure, RunFacts
from latentclust.report.figures import contingency_figure, length_curve, loss_curves
from latentclust.report.image_figures import CELL_PIXELS, most_confident, samples_per_cluster, shrink
from latentclust.report.label_map_figures import MapRow, map_sheet, scene_figure, write_label_map
from latentclust.report.map_views import MapView
from latentclust.report.plotting import save_figure
from latentclust.runs.code_maps import CodeMaps
from latentclust.runs.map_sample import MapSample
from latentclust.runs.run_folder import CHAINS, CODES, CONTINGENCY, LABEL_MAP, LENGTHS, LOSSES, MAPS, SAMPLES, SCENE
from latentclust.runs.shown_maps import IMAGES_SHOWN, LabelledMaps, view_image
from latentclust.specs.data import ImageSet, ImageSource, SealedLabels
from latentclust.tensors import Posterior

PER_CLUSTER = 12
"""Number of samples shown of each cluster."""


def draw_figures(
    folder: Path,
    model: ClusteringModel,
    tested: ImageSet,
    posterior: Posterior | None,
    facts: RunFacts,
    maps: LabelledMaps | None,
    codes: CodeMaps | None,
    phases: Phases = SILENT,
) -> tuple[ReportFigure, ...]:
    """Draw the figures into `figures/` and return them in the order of the report.

    Args:
        folder: Run folder.
        model: Trained model.
        tested: Data set that was scored.
        posterior: Posterior of its images. None for label maps.
        facts: Facts of the run.
        maps: Its label maps. None for whole images.
        codes: Maps of the codes of images. None for label maps.
        phases: Tells the progress.
    """
    phases.begin("drawing figures")
    drawn = []
    if maps is not None:
        drawn += [_map_sheet(folder, model, tested, maps.sample, facts), *_scene(folder, model, maps.scene, facts)]
    if posterior is not None:
        drawn.append(_samples(folder, model, tested, posterior, facts))
    drawn += _contingency(folder, facts)
    if posterior is not None and codes is not None and codes.tsne:
        drawn.append(_codes(folder, tested, posterior, facts, codes))
    phases.begin("drawing curves")
    return (*drawn, *_losses(folder, facts), *_chains(folder, facts))


def _samples(
    folder: Path, model: ClusteringModel, tested: ImageSet, posterior: Posterior, facts: RunFacts
) -> ReportFigure:
    chosen = most_confident(posterior.labels.numpy(), posterior.confidence.numpy(), facts.clusters, PER_CLUSTER)
    names = cluster_names(facts.clusters, facts.matching, facts.classes)
    figure = samples_per_cluster([_read_shrunk(model, tested.source, indices) for indices in chosen], names)
    save_figure(figure, folder / SAMPLES)
    return ReportFigure(SAMPLES, _captioned("The most confident samples of each cluster.", model))


def _read_shrunk(model: ClusteringModel, source: ImageSource, indices: NDArray[np.int64]) -> NDArray[Any]:
    """Read samples for a figure. Large images are shrunk one by one, because many do not fit into memory."""
    if max(source.shape[1:], default=0) <= CELL_PIXELS or not len(indices):
        return model.shown(source.read(indices))
    return np.stack([shrink(model.shown(source.read(indices[at : at + 1])[0])) for at in range(len(indices))])


def _captioned(what: str, model: ClusteringModel) -> str:
    """Return a caption, with the bands that the figure shows unless they are all bands in their order."""
    return f"{what} {model.display_text}".strip()


def _contingency(folder: Path, facts: RunFacts) -> list[ReportFigure]:
    if facts.table is None or facts.matching is None:
        return []
    unit = facts.protocol.unit
    save_figure(contingency_figure(facts.table, facts.matching, facts.classes, unit), folder / CONTINGENCY)
    return [ReportFigure(CONTINGENCY, f"{unit.capitalize()} of each class in each cluster.")]


def _codes(folder: Path, tested: ImageSet, posterior: Posterior, facts: RunFacts, codes: CodeMaps) -> ReportFigure:
    """Draw t-SNE maps of category and style codes, coloured by cluster and, if there are labels, by class."""
    groupings = [by_cluster(posterior.labels[codes.indices].numpy(), cluster_names(facts.clusters))]
    if isinstance(tested.labels, SealedLabels) and facts.table is not None:
        classes = classes_for_figures(tested.labels, codes.indices)
        groupings.append(by_class(classes, class_names(facts.classes, facts.table.shape[1])))
    save_figure(code_maps(codes.tsne, groupings), folder / CODES)
    return ReportFigure(CODES, "t-SNE of the category and style codes.")


def _losses(folder: Path, facts: RunFacts) -> list[ReportFigure]:
    """Draw the losses, unless nothing was trained."""
    if not facts.history:
        return []
    save_figure(loss_curves(facts.history), folder / LOSSES)
    return [ReportFigure(LOSSES, "Every loss term, unweighted, by round.")]


def _chains(folder: Path, facts: RunFacts) -> list[ReportFigure]:
    """Draw the diagnostics of the chains during training, and the scores by chain length."""
    drawn = []
    if facts.diagnostics:
        save_figure(loss_curves(facts.diagnostics), folder / CHAINS)
        drawn.append(ReportFigure(CHAINS, "The chains by round: energies and entropy in nats, clusters in use."))
    if facts.chains is not None and facts.chains.lengths:
        names = {name: display_name(name) for name in facts.chains.lengths[0] if name != "steps"}
        save_figure(length_curve(facts.chains.lengths, names), folder / LENGTHS)
        drawn.append(ReportFigure(LENGTHS, "The scores of shorter and longer chains, on a part of the data."))
    return drawn


def _map_sheet(
    folder: Path, model: ClusteringModel, tested: ImageSet, sample: MapSample, facts: RunFacts
) -> ReportFigure:
    """Draw some images of the data set next to their label maps."""
    rows = []
    for at in spread_indices(len(sample.indices), IMAGES_SHOWN).tolist():
        view = view_image(model, tested, sample, at, facts)
        rows.append(MapRow(view.image, view.truth, view.labels.astype(np.int64), view.confidence).thinned())
    names = cluster_names(facts.clusters, facts.matching, facts.classes)
    save_figure(map_sheet(rows, cluster_colours_of(facts), names, _classes_without_cluster(facts)), folder / MAPS)
    what = "Images of the data set, evenly spread. Each cluster has the colour of the class that it is matched with."
    what = what if facts.table is not None else "Images of the data set, evenly spread."
    return ReportFigure(MAPS, _captioned(what, model))


def _scene(folder: Path, model: ClusteringModel, scene: MapView | None, facts: RunFacts) -> list[ReportFigure]:
    """Write a figure of a labelled scene and a PNG of its clusters. Return nothing without a scene."""
    if scene is None:
        return []
    labels = scene.labels.astype(np.int64)
    colours, names = cluster_colours_of(facts), cluster_names(facts.clusters, facts.matching, facts.classes)
    write_label_map(folder / LABEL_MAP, labels, colours)
    save_figure(scene_figure(scene.image, labels, colours, names), folder / SCENE)
    what = f"The scene {scene.name}. {LABEL_MAP} contains its clusters, counted from 1; 0 is nodata."
    return [ReportFigure(SCENE, _captioned(what, model))]


def cluster_colours_of(facts: RunFacts) -> NDArray[np.float32]:
    """Return the colour of each cluster of a run, `(k, 3)` in [0, 1]: that of its class if it is matched."""
    classes = 0 if facts.table is None else facts.table.shape[1]
    return cluster_colours(facts.clusters, facts.matching, classes)


def _classes_without_cluster(facts: RunFacts) -> list[str]:
    """Return by class number the name of each class that has pixels and no cluster; an empty string otherwise."""
    if facts.table is None or facts.matching is None:
        return []
    names = class_names(facts.classes, facts.table.shape[1])
    matched = set(facts.matching[facts.matching != UNMATCHED].tolist())
    pixels = facts.table.sum(axis=0)
    return ["" if number in matched or not pixels[number] else name for number, name in enumerate(names)]
