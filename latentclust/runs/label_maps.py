"""The label maps of a data set, read batch by batch and counted."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentclust.evaluate.segmentation import ContingencyCounter, joint_counts
from latentclust.model.model import ClusteringModel
from latentclust.specs.data import VOID, ImageSet, MaskSource, SealedMaps


@dataclass(frozen=True, slots=True)
class MapBatch:
    """Label maps of some images.

    Attributes:
        indices: Where the images stand in the data set, `(m,)`.
        labels: Clusters, 0-based, `VOID` where a pixel is no data.
        confidence: The probability of that cluster, in (0, 1].
    """

    indices: NDArray[np.int64]
    labels: NDArray[np.int64]
    confidence: NDArray[np.float32]


def label_maps(model: ClusteringModel, data: ImageSet, seed: int | None = None) -> Iterator[MapBatch]:
    """The label maps of all images in order, never many in memory; `seed` is the recipe's unless said."""
    recipe = model.resolved.recipe
    start = 0
    for posterior in model.posteriors(data.source, recipe.evaluate.batch_size, recipe.seed if seed is None else seed):
        labels = posterior.labels.numpy()
        indices = np.arange(start, start + len(labels), dtype=np.int64)
        yield MapBatch(indices, mask_labels(labels, data.valid, indices), posterior.confidence.numpy())
        start += len(labels)


def mask_labels(labels: NDArray[np.int64], valid: MaskSource | None, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Label maps `(m, h, w)` of some images, `VOID` where a pixel does not count."""
    return labels if valid is None else np.where(valid.read(indices), labels, VOID)


def make_counter(data: ImageSet, clusters: int) -> ContingencyCounter:
    """An empty tally for a data set; labels that are one an image say nothing of pixels."""
    maps = data.labels if isinstance(data.labels, SealedMaps) else None
    return ContingencyCounter(clusters, maps, len(data.classes) or None)


def count_pairs(one: Iterator[MapBatch], other: Iterator[MapBatch], clusters: int) -> NDArray[np.int64]:
    """Pixels by their cluster in two readings of the same images, `(clusters, clusters)`."""
    pairs = np.zeros((clusters, clusters), dtype=np.int64)
    for first, second in zip(one, other, strict=True):
        pairs += joint_counts(first.labels, second.labels, clusters, clusters)
    return pairs


def label_mismatch(data: ImageSet, per_pixel: bool) -> str | None:
    """Why labels that there are cannot score a model, as a sentence; None where they can or there are none."""
    if data.labels is None or isinstance(data.labels, SealedMaps) == per_pixel:
        return None
    found, wanted = ("a label an image", "a label a pixel") if per_pixel else ("a label a pixel", "a label an image")
    return f"the data set has {found}, and the prior {wanted}, so nothing was scored"
