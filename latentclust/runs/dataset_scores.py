"""What a model makes of a data set: clusters, of whole images or of pixels, and their scores."""

from dataclasses import dataclass

import numpy as np

from latentclust.evaluate.clustering import ClusteringScores, score_clustering
from latentclust.model.model import ClusteringModel
from latentclust.runs.label_maps import label_maps, make_counter
from latentclust.specs.data import VOID, ImageSet
from latentclust.tensors import Posterior


@dataclass(frozen=True, slots=True)
class DatasetScores:
    """A data set, read.

    Attributes:
        clustering: Occupancy, and what the ground truth says.
        confidence: Mean probability of the chosen clusters, in (0, 1]; NaN where no pixel counts.
        posterior: Of whole images; None of label maps, which are counted and let go.
    """

    clustering: ClusteringScores
    confidence: float
    posterior: Posterior | None = None


def score_dataset(model: ClusteringModel, data: ImageSet) -> DatasetScores:
    """Reads a data set once and scores it; label maps are streamed."""
    if model.per_pixel:
        return _of_maps(model, data)
    recipe, metrics = model.resolved.recipe, model.resolved.metrics
    posterior = model.predict(data.source, recipe.evaluate.batch_size, recipe.seed)
    found = score_clustering(posterior.labels.numpy(), data.labels, model.clusters, metrics, len(data.classes) or None)
    return DatasetScores(found, float(posterior.confidence.mean()), posterior)


def _of_maps(model: ClusteringModel, data: ImageSet) -> DatasetScores:
    tally = make_counter(data, model.clusters)
    confidence = 0.0
    for batch in label_maps(model, data):
        tally.add(batch.labels, batch.indices)
        confidence += float(batch.confidence.sum(where=batch.labels != VOID, dtype=np.float64))
    pixels = int(tally.occupancy.sum())
    return DatasetScores(tally.scores(model.resolved.metrics), confidence / pixels if pixels else np.nan)
