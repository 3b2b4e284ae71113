"""What a model makes of a data set: clusters, of whole images or of pixels, and their scores."""

from dataclasses import dataclass

import numpy as np

from latentclust.evaluate.clustering import Assessment, assess
from latentclust.model.model import ClusteringModel
from latentclust.runs.label_maps import label_maps, tally_of
from latentclust.specs.data import VOID, ImageSet
from latentclust.tensors import Posterior


@dataclass(frozen=True, slots=True)
class Outcome:
    """A data set, read.

    Attributes:
        assessment: Occupancy, and what the ground truth says.
        confidence: Mean probability of the chosen clusters, in (0, 1]; NaN where no pixel counts.
        posterior: Of whole images; None of label maps, which are counted and let go.
    """

    assessment: Assessment
    confidence: float
    posterior: Posterior | None = None


def outcome(model: ClusteringModel, data: ImageSet) -> Outcome:
    """Reads a data set once and scores it; label maps are streamed."""
    if model.per_pixel:
        return _of_maps(model, data)
    recipe, metrics = model.resolved.recipe, model.resolved.metrics
    posterior = model.predict(data.source, recipe.evaluate.batch_size, recipe.seed)
    found = assess(posterior.labels.numpy(), data.labels, model.clusters, metrics, len(data.classes) or None)
    return Outcome(found, float(posterior.confidence.mean()), posterior)


def _of_maps(model: ClusteringModel, data: ImageSet) -> Outcome:
    tally = tally_of(data, model.clusters)
    confidence = 0.0
    for batch in label_maps(model, data):
        tally.add(batch.labels, batch.indices)
        confidence += float(batch.confidence.sum(where=batch.labels != VOID, dtype=np.float64))
    pixels = int(tally.occupancy.sum())
    return Outcome(tally.assessment(model.resolved.metrics), confidence / pixels if pixels else np.nan)
