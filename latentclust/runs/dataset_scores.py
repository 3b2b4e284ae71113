"""Scores of a model on a data set. Label maps are read batch by batch and counted, never kept."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentclust.evaluate.clustering import ClusteringScores, score_clustering
from latentclust.evaluate.empty_clusters import ClusterPosteriors, PosteriorCounter
from latentclust.evaluate.segmentation import ContingencyCounter, joint_counts
from latentclust.model.model import ClusteringModel
from latentclust.phases import SILENT, Phases
from latentclust.runs.map_batch import MapBatch
from latentclust.runs.map_sample import MapSample, MapSampler
from latentclust.specs.data import VOID, ImageSet, MaskSource, SealedMaps
from latentclust.tensors import Posterior


@dataclass(frozen=True, slots=True)
class DatasetScores:
    """The scores of a model on a data set.

    Attributes:
        clustering: Occupancy, and the scores against the ground truth if there is any.
        confidence: Mean probability of the chosen clusters, in (0, 1]; NaN without valid pixels.
        posterior: Posterior of whole images. None for label maps.
        by_cluster: Largest and mean probability of each cluster. None without valid pixels.
        sample: Label maps of some images. None for whole images, or if it was not asked for.
    """

    clustering: ClusteringScores
    confidence: float
    posterior: Posterior | None = None
    by_cluster: ClusterPosteriors | None = None
    sample: MapSample | None = None


def score_dataset(
    model: ClusteringModel, data: ImageSet, phases: Phases = SILENT, *, sample: bool = False
) -> DatasetScores:
    """Read a data set once and score the model on it.

    Args:
        model: Trained model.
        data: Data set.
        phases: Tells the progress.
        sample: Whether the label maps of some images are kept.
    """
    if model.per_pixel:
        return _score_maps(model, data, phases, sample)
    recipe, metrics = model.resolved.recipe, model.resolved.metrics
    posterior = model.predict(data.inputs, recipe.evaluate.batch_size, recipe.seed, phases=phases)
    classes = len(data.classes) or None
    scores = score_clustering(posterior.labels.numpy(), data.labels, model.clusters, metrics, classes)
    counter = PosteriorCounter(model.clusters)
    counter.add(posterior.probabilities.numpy())
    return DatasetScores(scores, float(posterior.confidence.mean()), posterior, counter.result())


def _score_maps(model: ClusteringModel, data: ImageSet, phases: Phases, sample: bool) -> DatasetScores:
    counter, by_cluster = make_counter(data, model.clusters), PosteriorCounter(model.clusters)
    height, width = data.source.shape[1:]
    sampler = MapSampler(len(data.source), (height, width), model.clusters) if sample else None
    confidence = 0.0
    for batch in label_maps(model, data, phases=phases):
        counter.add(batch.labels, batch.indices)
        if sampler:
            sampler.add(batch)
        valid = batch.labels != VOID
        by_cluster.add(batch.probabilities, None if valid.all() else valid)
        confidence += float(batch.confidence.sum(where=valid, dtype=np.float64))
    pixels = int(counter.occupancy.sum())
    mean_confidence = confidence / pixels if pixels else np.nan
    kept = sampler.result() if sampler else None
    scores = counter.scores(model.resolved.metrics)
    return DatasetScores(scores, mean_confidence, by_cluster=by_cluster.result(), sample=kept)


def label_maps(
    model: ClusteringModel, data: ImageSet, seed: int | None = None, *, phases: Phases = SILENT
) -> Iterator[MapBatch]:
    """Yield the label maps of all images in order, a batch at a time.

    Args:
        model: A per-pixel model.
        data: Data set.
        seed: Seed of inference that samples. Defaults to the recipe's.
        phases: Tells the progress.
    """
    recipe = model.resolved.recipe
    start, chosen = 0, recipe.seed if seed is None else seed
    size = recipe.evaluate.batch_size
    for posterior in model.posteriors(data.inputs, size, chosen, masks=data.valid, phases=phases):
        labels = posterior.labels.numpy()
        indices = np.arange(start, start + len(labels), dtype=np.int64)
        masked = mask_labels(labels, data.valid, indices)
        yield MapBatch(indices, masked, posterior.confidence.numpy(), posterior.probabilities.numpy())
        start += len(labels)


def mask_labels(labels: NDArray[np.int64], valid: MaskSource | None, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return label maps `(m, h, w)` of the images at `indices`, with `VOID` for pixels that do not count."""
    return labels if valid is None else np.where(valid.read(indices), labels, VOID)


def make_counter(data: ImageSet, clusters: int) -> ContingencyCounter:
    """Return an empty counter for a data set. Labels of whole images are not counted for pixels."""
    maps = data.labels if isinstance(data.labels, SealedMaps) else None
    return ContingencyCounter(clusters, maps, len(data.classes) or None)


def count_pairs(one: Iterator[MapBatch], other: Iterator[MapBatch], clusters: int) -> NDArray[np.int64]:
    """Return the number of pixels by their cluster in two labellings of the same images, `(clusters, clusters)`."""
    pairs = np.zeros((clusters, clusters), dtype=np.int64)
    for first, second in zip(one, other, strict=True):
        pairs += joint_counts(first.labels, second.labels, clusters, clusters)
    return pairs


def label_mismatch(data: ImageSet, per_pixel: bool) -> str | None:
    """Return why the labels of a data set cannot score a model, as a sentence. None if they can or there are none."""
    if data.labels is None or isinstance(data.labels, SealedMaps) == per_pixel:
        return None
    image, pixel = "one label per image", "one label per pixel"
    found, needed = (image, pixel) if per_pixel else (pixel, image)
    return f"the data set has {found} and the prior needs {needed}, so nothing was scored"
