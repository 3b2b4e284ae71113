"""The report's figures, drawn from a finished run."""

from pathlib import Path

import numpy as np

from latentclust.evaluate.contingency import classes_for_figures
from latentclust.model.model import ClusteringModel
from latentclust.report.display_names import class_names, cluster_names, display_name
from latentclust.report.embedding import by_class, by_cluster, code_maps, subsample
from latentclust.report.facts import ReportFigure, RunFacts
from latentclust.report.figures import contingency_figure, length_curve, loss_curves
from latentclust.report.image_figures import most_confident, samples_per_cluster
from latentclust.report.plotting import save_figure
from latentclust.runs.draw_map_figures import draw_scene, draw_sheet
from latentclust.runs.run_folder import CHAINS, CODES, CONTINGENCY, LENGTHS, LOSSES, SAMPLES
from latentclust.specs.data import ImageSet, SealedLabels
from latentclust.tensors import Posterior

PER_CLUSTER = 12
"""Samples shown of each cluster."""

LEAST_PROBABILITY = 1e-6
"""Where log probabilities are floored on a t-SNE map: beyond it two clusters are equally far."""

LEAST_FOR_TSNE = 10
"""Samples below which a t-SNE map would mean nothing."""


def draw_figures(
    folder: Path, model: ClusteringModel, tested: ImageSet, posterior: Posterior | None, facts: RunFacts
) -> tuple[ReportFigure, ...]:
    """Draws the figures into `figures/` and says what each shows; of label maps there is no one posterior."""
    if posterior is None:
        drawn = [draw_sheet(folder, model, tested, facts), *draw_scene(folder, model, tested, facts)]
    else:
        drawn = [_samples(folder, tested, posterior, facts)]
    drawn += _contingency(folder, facts)
    if posterior is not None and model.resolved.recipe.evaluate.tsne and len(tested.source) >= LEAST_FOR_TSNE:
        drawn.append(_maps(folder, tested, posterior, facts))
    return (*drawn, _losses(folder, facts), *_chains(folder, facts))


def _contingency(folder: Path, facts: RunFacts) -> list[ReportFigure]:
    if facts.table is None or facts.matching is None:
        return []
    unit = facts.protocol.unit
    save_figure(contingency_figure(facts.table, facts.matching, facts.classes, unit), folder / CONTINGENCY)
    return [ReportFigure(CONTINGENCY, f"{unit.capitalize()} of each class in each cluster.")]


def _chains(folder: Path, facts: RunFacts) -> list[ReportFigure]:
    """What the chains did while the networks were trained, and what their length is worth."""
    drawn = []
    if facts.diagnostics:
        save_figure(loss_curves(facts.diagnostics), folder / CHAINS)
        drawn.append(ReportFigure(CHAINS, "The chains over the rounds: energies and entropy in nats, clusters in use."))
    if facts.chains is not None and facts.chains.lengths:
        names = {name: display_name(name) for name in facts.chains.lengths[0] if name != "steps"}
        save_figure(length_curve(facts.chains.lengths, names), folder / LENGTHS)
        drawn.append(ReportFigure(LENGTHS, "The scores of shorter and longer chains, on a part of the data."))
    return drawn


def _samples(folder: Path, tested: ImageSet, posterior: Posterior, facts: RunFacts) -> ReportFigure:
    chosen = most_confident(posterior.labels.numpy(), posterior.confidence.numpy(), facts.clusters, PER_CLUSTER)
    names = cluster_names(facts.clusters, facts.matching, facts.classes)
    figure = samples_per_cluster([tested.source.read(indices) for indices in chosen], names)
    save_figure(figure, folder / SAMPLES)
    return ReportFigure(SAMPLES, "The most confident samples of each cluster.")


def _losses(folder: Path, facts: RunFacts) -> ReportFigure:
    save_figure(loss_curves(facts.history), folder / LOSSES)
    return ReportFigure(LOSSES, "Every loss term, unweighted, over the rounds.")


def _maps(folder: Path, tested: ImageSet, posterior: Posterior, facts: RunFacts) -> ReportFigure:
    """t-SNE of category and style codes, coloured by cluster and, where there are labels, by class."""
    shown = subsample(len(tested.source), facts.seed)
    codes = {
        "category code (log)": posterior.probabilities[shown].clamp_min(LEAST_PROBABILITY).log().numpy(),
        "style code": posterior.style[shown].numpy(),
    }
    groupings = [by_cluster(posterior.labels[shown].numpy(), cluster_names(facts.clusters))]
    if isinstance(tested.labels, SealedLabels) and facts.table is not None:
        classes = classes_for_figures(tested.labels, np.asarray(shown))
        groupings.append(by_class(classes, class_names(facts.classes, facts.table.shape[1])))
    save_figure(code_maps(codes, groupings, facts.seed), folder / CODES)
    return ReportFigure(CODES, "t-SNE of the category and style codes.")
