"""Label maps of some images of a data set, kept while all are scored: to be drawn, and compared with other runs."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from latentclust.data.subset import spread_indices
from latentclust.labelling.windows.array_labels import array_label_type
from latentclust.runs.map_batch import MapBatch
from latentclust.specs.data import VOID

MOST_IMAGES, LEAST_IMAGES = 64, 10
"""Number of images that are kept, evenly spread over the data set; fewer of large ones."""

MOST_PIXELS = 2**24
"""Maximum number of pixels that are kept, six bytes each, unless these are of `LEAST_IMAGES` images."""

MOST_SIDE = 1024
"""Larger images are subsampled to about this side in pixels."""

MOST_ASSIGNED = 10_000
"""Number of pixels whose clusters are written to assignments.csv, over all images that are kept."""


@dataclass(frozen=True, slots=True)
class MapSample:
    """Label maps of some images.

    Attributes:
        indices: Positions of the images in the data set, `(n,)`, ascending.
        step: Distance in pixels between the pixels that are kept, in each axis.
        labels: Clusters `(n, h, w)`, 0-based; `VOID` for nodata pixels.
        confidence: Probability of the chosen cluster `(n, h, w)`, in (0, 1].
    """

    indices: NDArray[np.int64]
    step: int
    labels: NDArray[np.signedinteger]
    confidence: NDArray[np.float32]

    def assignments(self) -> dict[str, NDArray[np.generic]]:
        """Return image, row, column, cluster (from 1) and confidence of some pixels.

        They are the same pixels for every model that reads the same images, as many of each image.
        """
        quota, rng = -(-MOST_ASSIGNED // len(self.indices)), np.random.default_rng(0)
        chosen = []
        for image, labels in enumerate(self.labels):
            valid = np.flatnonzero(labels != VOID)
            rows, columns = np.unravel_index(np.sort(rng.permutation(valid)[:quota]), labels.shape)
            chosen.append(np.stack((np.full(len(rows), image), rows, columns)))
        at = np.concatenate(chosen, axis=1)
        return {
            "index": self.indices[at[0]],
            "row": at[1] * self.step,
            "column": at[2] * self.step,
            "cluster": self.labels[*at].astype(np.int64) + 1,
            "confidence": self.confidence[*at],
        }


@final
class MapSampler:
    """Keeps the label maps of some images out of all, which are added in order."""

    def __init__(self, count: int, side: tuple[int, int], clusters: int) -> None:
        """Select images.

        Args:
            count: Number of images of the data set.
            side: Height and width of an image in pixels.
            clusters: Number of clusters K.
        """
        self._step = max(1, -(-max(side) // MOST_SIDE))
        shape = tuple(-(-length // self._step) for length in side)
        most = min(max(MOST_PIXELS // (shape[0] * shape[1]), LEAST_IMAGES), MOST_IMAGES)
        self._indices = spread_indices(count, most)
        self._clusters = np.full((len(self._indices), *shape), VOID, array_label_type(clusters))
        self._confidence = np.zeros(self._clusters.shape, np.float32)

    def add(self, batch: MapBatch) -> None:
        """Keep the images of a batch that are selected."""
        _, to, among = np.intersect1d(self._indices, batch.indices, assume_unique=True, return_indices=True)
        thin = (slice(None, None, self._step), slice(None, None, self._step))
        self._clusters[to] = batch.labels[among][:, *thin]
        self._confidence[to] = batch.confidence[among][:, *thin]

    def result(self) -> MapSample:
        """Return the images that were kept."""
        return MapSample(self._indices, self._step, self._clusters, self._confidence)
