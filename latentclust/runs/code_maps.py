"""Codes of images in two dimensions, computed once for the figure and for the page."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentclust.model.model import ClusteringModel
from latentclust.phases import Phases
from latentclust.report.embedding import subsample, tsne_maps
from latentclust.report.facts import RunFacts
from latentclust.tensors import Posterior

MIN_PROBABILITY = 1e-6
"""Floor of the probabilities whose logarithm a map shows. Below it all clusters count as equally far."""

MIN_TSNE_SAMPLES = 10
"""Minimum number of samples for a t-SNE map. A map of fewer means nothing."""


@dataclass(frozen=True, slots=True)
class CodeMaps:
    """Codes of some samples, and maps of them.

    Attributes:
        indices: Positions of the samples in the data set, `(m,)`.
        codes: Codes `(m, d)` by title; a code without columns is left out.
        tsne: t-SNE maps `(m, 2)` by the title of the code. Empty if the recipe asks for none.
    """

    indices: NDArray[np.int64]
    codes: Mapping[str, NDArray[np.float32]]
    tsne: Mapping[str, NDArray[np.float32]]


def map_codes(model: ClusteringModel, posterior: Posterior, facts: RunFacts, phases: Phases) -> CodeMaps:
    """Return category and style codes of a subsample of the data set, with t-SNE maps if the recipe asks for them."""
    count = len(posterior.probabilities)
    shown = subsample(count, facts.seed)
    codes = {
        "category code (log)": posterior.probabilities[shown].clamp_min(MIN_PROBABILITY).log().numpy(),
        "style code": posterior.style[shown].numpy(),
    }
    codes = {title: code for title, code in codes.items() if code.shape[1]}
    maps: Mapping[str, NDArray[np.float32]] = {}
    if model.resolved.recipe.evaluate.tsne and count >= MIN_TSNE_SAMPLES:
        phases.begin("computing t-SNE maps of the codes")
        maps = tsne_maps(codes, facts.seed)
    return CodeMaps(shown, codes, maps)
