"""How clusters, classes, metrics and baselines are called wherever a person reads them; clusters count from 1."""

import numpy as np
from numpy.typing import NDArray

from latentclust.evaluate.match import UNMATCHED

TITLES = {
    "accuracy": "ACC",
    "macro-accuracy": "macro ACC",
    "miou": "mIoU",
    "purity": "purity",
    "nmi": "NMI",
    "ari": "ARI",
    "homogeneity": "homogeneity",
    "completeness": "completeness",
    "kmeans": "k-means",
    "minibatch-kmeans": "mini-batch k-means",
    "nmf": "NMF",
    "spectral": "spectral",
    "agglomerative": "agglomerative (Ward)",
    "gmm": "Gaussian mixture",
    "pixel-kmeans": "k-means of pixels",
    "local-statistics-kmeans": "k-means of local statistics",
    "features-kmeans": "k-means of ImageNet features",
    "majority": "the majority class",
}
"""The usual terms for the bundled metrics and baselines; any other part goes by its own name."""

MEANINGS = {
    "accuracy": "share of {unit} in the class that their cluster is matched with, one to one (Hungarian); clusters "
    "left over are errors",
    "macro-accuracy": "ACC averaged over classes, so that a rare class weighs as much as a frequent one",
    "miou": "intersection over union of each class and its matched cluster (matched as for ACC, over the whole set), "
    "averaged over the classes that have {unit}; a class without a cluster counts 0, and a cluster left over enters no "
    "class's union",
    "purity": "share of {unit} in their cluster's most frequent class; clusters may share a class, so it flatters "
    "many clusters (the ClusterGAN and DLS-Clustering papers call it ACC)",
    "nmi": "mutual information of clusters and classes, divided by the {nmi} mean of their entropies",
    "ari": "agreement on pairs of {unit}, corrected for chance: 0 is chance, 1 is equality",
    "homogeneity": "1 when every cluster holds one class only",
    "completeness": "1 when every class lies in one cluster only",
}
"""What the bundled metrics measure; `{nmi}` stands for the protocol's normaliser, `{unit}` for what is counted."""


def display_name(name: str) -> str:
    """The term for a metric or a baseline."""
    return TITLES.get(name, name)


def format_score(value: float) -> str:
    """A score, to four decimals."""
    return f"{value:.4f}"


def class_names(classes: tuple[str, ...], count: int) -> list[str]:
    """`count` class names, by number from 0 where there are none."""
    return list(classes[:count]) if len(classes) >= count else [f"class {index}" for index in range(count)]


def cluster_names(count: int, matching: NDArray[np.int64] | None = None, classes: tuple[str, ...] = ()) -> list[str]:
    """`cluster 1`, `cluster 2` …, each with the name of its matched class where there is one."""
    names = [f"cluster {index + 1}" for index in range(count)]
    if matching is None:
        return names
    known = class_names(classes, int(matching.max(initial=UNMATCHED)) + 1)
    return [
        name if chosen == UNMATCHED else f"{name}: {known[chosen]}"
        for name, chosen in zip(names, matching, strict=True)
    ]
