"""Mean and standard deviation of the bands of each cluster, added up image by image."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from latentclust.specs.data import VOID


@dataclass(frozen=True, slots=True)
class Spectra:
    """Statistics of the bands of each cluster.

    Attributes:
        pixels: Number of pixels of each cluster, `(k,)`.
        mean: Mean of each band, `(k, c)`; NaN for a cluster without pixels.
        deviation: Standard deviation of each band over the pixels, `(k, c)`; NaN for a cluster without pixels.
    """

    pixels: NDArray[np.int64]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]


@final
class SpectraCounter:
    """Sums over the pixels of each cluster, so that memory does not grow with the number of pixels."""

    def __init__(self, clusters: int, bands: int) -> None:
        """Start without pixels."""
        self._pixels = np.zeros(clusters, np.int64)
        self._sums, self._squares = np.zeros((2, bands, clusters))
        self._origin: NDArray[np.float64] | None = None

    def add(self, values: NDArray[Any], labels: NDArray[np.integer[Any]]) -> None:
        """Add the pixels of an image.

        Args:
            values: Values of the bands, `(c, h, w)`, finite where there is a label.
            labels: Clusters `(h, w)`, 0-based; `VOID` for pixels that do not count.
        """
        known = labels != VOID
        chosen, clusters = labels[known].astype(np.intp), len(self._pixels)
        if not len(chosen):
            return
        picked = values[:, known].astype(np.float64)
        # Sums of differences from a typical value: squares of values far from 0 would lose the digits of the deviation.
        if self._origin is None:
            self._origin = picked.mean(axis=1)
        self._pixels += np.bincount(chosen, minlength=clusters)
        for band, differences in enumerate(picked - self._origin[:, None]):
            self._sums[band] += np.bincount(chosen, differences, minlength=clusters)
            self._squares[band] += np.bincount(chosen, differences**2, minlength=clusters)

    def result(self) -> Spectra:
        """Return the statistics of the pixels that were added."""
        origin = 0.0 if self._origin is None else self._origin[:, None]
        with np.errstate(invalid="ignore"):
            mean, square = self._sums / self._pixels, self._squares / self._pixels
        deviation = np.sqrt(np.maximum(square - mean**2, 0))
        return Spectra(self._pixels.copy(), (mean + origin).T, deviation.T)
