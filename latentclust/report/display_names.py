"""Display names of clusters, classes, metrics and baselines. Clusters are counted from 1."""

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
    "hdbscan": "HDBSCAN",
    "spherical-kmeans": "spherical k-means",
    "pixel-kmeans": "k-means of pixels",
    "local-statistics-kmeans": "k-means of local statistics",
    "features-kmeans": "k-means of ImageNet features",
    "majority": "the majority class",
}
"""Display names of the bundled metrics and baselines. Any other part is shown by its own name."""

MEANINGS = {
    "accuracy": "share of {unit} in the class that their cluster is matched with, one to one (Hungarian); unmatched "
    "clusters count as errors; 0 to 1",
    "macro-accuracy": "ACC averaged over classes, so that a rare class counts as much as a frequent one; 0 to 1",
    "miou": "intersection over union of each class and its matched cluster (matched as for ACC, over the whole set), "
    "averaged over the classes that have {unit}; a class without a cluster counts as 0, and an unmatched cluster is in "
    "no class's union; 0 to 1",
    "purity": "share of {unit} in their cluster's most frequent class; several clusters may have the same class, so it "
    "grows with the number of clusters (the ClusterGAN and DLS-Clustering papers call it ACC); 0 to 1",
    "nmi": "mutual information of clusters and classes, divided by the {nmi} mean of their entropies; 0 to 1",
    "ari": "agreement on pairs of {unit}, corrected for chance: 0 is chance, 1 is the same partition",
    "homogeneity": "1 if every cluster contains a single class; 0 to 1",
    "completeness": "1 if every class lies in a single cluster; 0 to 1",
}
"""Meanings of the bundled metrics. `{nmi}` is replaced by the protocol's normaliser, `{unit}` by its unit."""


FIRST_STRONG, POP = "\u2068", "\u2069"
ISOLATES = ("\u2066", "\u2067", FIRST_STRONG, POP)
"""Characters that begin an isolate, and the one that ends it."""

IN_USE = "clusters-in-use"

LABEL_FREE = {"ari": "ARI with the run", "nmi": "NMI with the run", IN_USE: "clusters in use"}
"""Display names of the scores without labels, apart from silhouettes."""

SILHOUETTE = "silhouette-"
"""Begins the name of a silhouette, which ends with that of its space."""


def display_name(name: str) -> str:
    """Return the display name of a metric or a baseline, such as `k-means on encoder` for `kmeans-on-encoder`."""
    baseline, on, network = name.partition("-on-")
    return f"{TITLES[baseline]} on {network}" if on and baseline in TITLES else TITLES.get(name, name)


def label_free_name(name: str) -> str:
    """Return the display name of a score without labels."""
    if name.startswith(SILHOUETTE):
        return f"silhouette ({name.removeprefix(SILHOUETTE)})"
    return LABEL_FREE.get(name, name)


def isolate(name: str) -> str:
    """Return a name whose direction of writing does not change the text around it, in isolates of Unicode (UAX 9)."""
    inner = "".join(letter for letter in name if letter not in ISOLATES)
    return f"{FIRST_STRONG}{inner}{POP}"


def recipe_title(recipe: str, trial: bool) -> str:
    """Return the name of a recipe as it is shown, with a mark if the run was a trial."""
    return f"{recipe} (trial)" if trial else recipe


def format_score(value: float) -> str:
    """Return a score with four decimals."""
    return f"{value:.4f}"


def class_names(classes: tuple[str, ...], count: int) -> list[str]:
    """Return `count` class names, such as `class 0` if the names are unknown."""
    return list(classes[:count]) if len(classes) >= count else [f"class {index}" for index in range(count)]


def cluster_names(count: int, matching: NDArray[np.int64] | None = None, classes: tuple[str, ...] = ()) -> list[str]:
    """Return `cluster 1`, `cluster 2` …, each followed by the name of its matched class if it has one."""
    names = [f"cluster {index + 1}" for index in range(count)]
    if matching is None:
        return names
    known = class_names(classes, int(matching.max(initial=UNMATCHED)) + 1)
    return [
        name if chosen == UNMATCHED else f"{name}: {known[chosen]}"
        for name, chosen in zip(names, matching, strict=True)
    ]
