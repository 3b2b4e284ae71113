"""The second cluster of every image, and the codes by which similar images are found."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics.pairwise import euclidean_distances

from latentclust.errors import InterruptedRunError, LatentclustError
from latentclust.model.model import ClusteringModel
from latentclust.phases import SILENT, Phases
from latentclust.specs.data import ImageSource
from latentclust.tensors import Posterior

MIN_PROBABILITY = 1e-6
"""Floor of the probabilities whose logarithm belongs to a code, as in the report's map of codes."""

LARGEST_CODES = 2**30
"""Maximum size of the codes of all images in bytes. Of more images, no similar ones are found."""

ROWS = 8192
"""Number of images whose distances are computed at once."""


@dataclass(frozen=True, slots=True)
class Codes:
    """Results of a read-out of all images.

    Attributes:
        clusters: The most probable and the second most probable cluster, `(n, 2)`, counted from 1. Both are equal for
            a model of one cluster.
        probabilities: Their probabilities, `(n, 2)`.
        vectors: Source of the vectors `(d,)` in which similar images are close. None if they take too much memory.
        space: What the vectors are, in words.
    """

    clusters: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    vectors: Callable[[slice], NDArray[np.float32]] | None
    space: str

    def second(self, index: int, cluster: int) -> tuple[int, float] | None:
        """Return the most probable cluster of an image besides one, and its probability. None for a single cluster."""
        for found, probability in zip(self.clusters[index], self.probabilities[index], strict=True):
            if found != cluster:
                return int(found), float(probability)
        return None

    def similar(self, index: int, count: int) -> NDArray[np.int64]:
        """Return the indices of the nearest images by Euclidean distance, exact, without the image itself.

        Args:
            index: The image.
            count: Maximum number of neighbours.

        Raises:
            LatentclustError: If the codes take too much memory.
        """
        if self.vectors is None:
            what = f"the codes of {len(self.clusters):,} images take more than {LARGEST_CODES / 2**30:g} GiB"
            raise LatentclustError.at("images", what, "Train on features ([features]), which are read from their bank")
        query = self.vectors(slice(index, index + 1)).astype(np.float64)
        nearest, distances = np.zeros(0, np.int64), np.zeros(0)
        for start in range(0, len(self.clusters), ROWS):
            block = self.vectors(slice(start, start + ROWS)).astype(np.float64)
            found = euclidean_distances(block, query)[:, 0]
            indices = np.concatenate([nearest, np.arange(start, start + len(block))])
            distances = np.concatenate([distances, found])
            kept = np.argsort(distances, kind="stable")[: count + 1]
            nearest, distances = indices[kept], distances[kept]
        others: NDArray[np.int64] = nearest[nearest != index][:count]
        return others


def read_codes(
    model: ClusteringModel,
    inputs: ImageSource,
    tell: Callable[[int, int, str], None] = lambda done, total, text: None,
    should_stop: Callable[[], bool] = lambda: False,
    *,
    phases: Phases = SILENT,
) -> Codes:
    """Compute the posterior of all images, batch by batch.

    Similar images have similar frozen features if the inputs come from a bank, and otherwise similar codes: the
    logarithms of the probabilities and the style, each of unit variance in total, as t-SNE shows them in the report.

    Args:
        model: The model.
        inputs: The images, or their features.
        tell: Called with the number of images that are done and of all images.
        should_stop: Returns True once the user asks to stop.
        phases: Tells the progress as well, image by image.

    Raises:
        LatentclustError: If an image cannot be read.
        InterruptedRunError: If the user asks to stop.
    """
    total, recipe = len(inputs), model.resolved.recipe
    pairs: list[NDArray[np.int64]] = []
    values: list[NDArray[np.float32]] = []
    codes: list[NDArray[np.float32]] | None = None if inputs.preprocessed else []
    done = 0
    tell(0, total, "images read")
    for posterior in model.posteriors(inputs, recipe.evaluate.batch_size, recipe.seed, phases=phases):
        best = posterior.probabilities.topk(min(2, model.clusters), dim=1)
        pairs.append(best.indices.numpy() + 1)
        values.append(best.values.numpy())
        done += len(best.indices)
        if codes is not None:
            codes.append(_code(posterior))
            codes = codes if codes[0].shape[1] * total * codes[0].itemsize <= LARGEST_CODES else None
        tell(done, total, "images read")
        if should_stop():
            raise InterruptedRunError.at("images", f"stopped after {done:,} of {total:,}", "Start again")
    clusters, probabilities = np.concatenate(pairs), np.concatenate(values)
    if inputs.preprocessed:
        return Codes(clusters, probabilities, _rows_of(inputs), "frozen features")
    vectors = None if codes is None else _scaled(np.concatenate(codes), model.clusters)
    return Codes(clusters, probabilities, None if vectors is None else vectors.__getitem__, "codes")


def _code(posterior: Posterior) -> NDArray[np.float32]:
    """Return the logarithms of the probabilities, and the style without its axes of place, `(b, k + d)`."""
    logs = posterior.probabilities.clamp_min(MIN_PROBABILITY).log()
    found: NDArray[np.float32] = torch.cat([logs, posterior.style.flatten(1)], dim=1).numpy().astype(np.float32)
    return found


def _scaled(codes: NDArray[np.float32], clusters: int) -> NDArray[np.float32]:
    """Divide the logarithms and the style each by the root of their total variance."""
    for part in (codes[:, :clusters], codes[:, clusters:]):
        spread = float(np.sqrt(part.var(axis=0, dtype=np.float64).sum()))
        if spread > 0:
            np.divide(part, spread, out=part)
    return codes


def _rows_of(inputs: ImageSource) -> Callable[[slice], NDArray[np.float32]]:
    """Return a reader of features, scaled to unit length, so that their distance is that of their directions."""

    def rows(where: slice) -> NDArray[np.float32]:
        found = inputs.read(np.arange(*where.indices(len(inputs)))).astype(np.float32)
        scaled: NDArray[np.float32] = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
        return scaled

    return rows
