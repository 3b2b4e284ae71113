"""The samples on the page of a run of images: which they are, and what is known about them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentclust.evaluate.cluster_confusion import SampleClusters, sample_clusters
from latentclust.evaluate.contingency import classes_for_figures
from latentclust.model.model import ClusteringModel
from latentclust.report.display_names import class_names, cluster_names
from latentclust.report.facts import RunFacts
from latentclust.report.page.atlas import shorten_to_budget
from latentclust.report.page.sample_table import SampleTable
from latentclust.runs.code_maps import CodeMaps
from latentclust.runs.page_choice import ClusterImages, choose_images, images_per_row, largest_clusters
from latentclust.runs.page_review import Suspects, find_suspects
from latentclust.specs.data import ImageSet, SealedLabels

PATH_BYTES = 1_000_000
"""Maximum number of bytes of the paths on a page."""


@dataclass(frozen=True, slots=True)
class PageSamples:
    """Samples that a page shows, by the section that shows them.

    Attributes:
        found: Clusters of all samples of the data set.
        classes: Class of all samples, or `VOID`. None for data without labels.
        cards: Images of each cluster with a card, by cluster.
        suspects: Samples to review.
        table: The samples of all sections together.
    """

    found: SampleClusters
    classes: NDArray[np.int64] | None
    cards: dict[int, ClusterImages]
    suspects: Suspects
    table: SampleTable


def page_samples(
    model: ClusteringModel, tested: ImageSet, probabilities: NDArray[np.float32], facts: RunFacts, codes: CodeMaps
) -> PageSamples:
    """Choose the samples that the page of a run shows.

    Args:
        model: Trained model.
        tested: Data set that was scored.
        probabilities: Cluster probabilities of its samples, `(n, k)`.
        facts: Facts of the run.
        codes: Maps of codes, whose samples are shown.
    """
    found = sample_clusters(probabilities, probabilities.argmax(axis=1))
    labelled = isinstance(tested.labels, SealedLabels) and facts.table is not None
    classes = None
    if labelled and isinstance(tested.labels, SealedLabels):
        classes = classes_for_figures(tested.labels, np.arange(len(probabilities)))
    shown = largest_clusters(facts.occupancy)
    images = choose_images(found.labels, found.confidence, shown, images_per_row(len(shown)), facts.seed)
    suspects = find_suspects(model, tested, found, classes, facts.matching)
    # The images of cards come first, so that a browser decodes few sheets for what is seen first.
    every = np.concatenate([*(part.all for part in images), suspects.all, codes.indices])
    _, first = np.unique(every, return_index=True)
    table = _table(every[np.sort(first)], found, classes, facts, tested.paths)
    return PageSamples(found, classes, dict(zip(shown, images, strict=True)), suspects, table)


def titles(facts: RunFacts) -> list[str]:
    """Return the display name of each cluster, with the name that the user gave or else its matched class."""
    named = cluster_names(facts.clusters, facts.matching, facts.classes)
    return [
        f"cluster {number}: {facts.names[number]}" if number in facts.names else name
        for number, name in enumerate(named, start=1)
    ]


def _table(
    chosen: NDArray[np.int64],
    found: SampleClusters,
    classes: NDArray[np.int64] | None,
    facts: RunFacts,
    paths: tuple[str, ...],
) -> SampleTable:
    names = class_names(facts.classes, facts.table.shape[1]) if facts.table is not None else []
    return SampleTable(
        index=chosen,
        cluster=found.labels[chosen],
        confidence=found.confidence[chosen],
        second=found.second[chosen],
        second_probability=found.second_probability[chosen],
        classes=None if classes is None else classes[chosen],
        paths=tuple(shorten_to_budget([paths[at] for at in chosen], PATH_BYTES)) if paths else (),
        cluster_names=tuple(titles(facts)),
        class_names=tuple(names),
    )
