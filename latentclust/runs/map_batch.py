"""Label maps of a batch of images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class MapBatch:
    """Label maps of some images.

    Attributes:
        indices: Positions of the images in the data set, `(m,)`.
        labels: Clusters `(m, h, w)`, 0-based; `VOID` for nodata pixels.
        confidence: Probability of the chosen cluster `(m, h, w)`, in (0, 1].
        probabilities: Probabilities of all clusters, `(m, k, h, w)`.
    """

    indices: NDArray[np.int64]
    labels: NDArray[np.int64]
    confidence: NDArray[np.float32]
    probabilities: NDArray[np.float32]
