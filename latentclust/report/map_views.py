"""What the page of a run on label maps shows: images with their label maps, sizes and spectra of the clusters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentclust.evaluate.spectra import Spectra
from latentclust.report.image_figures import Pixels


@dataclass(frozen=True, slots=True)
class MapView:
    """An image with its label map.

    Attributes:
        name: Name of the image or scene.
        image: Channels that are shown, `(c, h, w)`, uint8 or float32 in [0, 1].
        labels: Clusters `(h, w)`, 0-based; `VOID` for nodata pixels.
        confidence: Probability of the cluster `(h, w)`, in (0, 1].
        truth: Classes `(h, w)`, `VOID` for pixels without one. None without ground truth.
        step: Distance in pixels between the pixels that are shown, in each axis.
        valid: Pixels `(h, w)` at which the image is shown. None for all.
    """

    name: str
    image: Pixels
    labels: NDArray[np.signedinteger]
    confidence: NDArray[np.float32]
    truth: NDArray[np.int16] | None = None
    step: int = 1
    valid: NDArray[np.bool_] | None = None

    def thinned(self, step: int) -> "MapView":
        """Return the view with every `step`-th pixel in each axis."""
        thin = (slice(None, None, step), slice(None, None, step))
        return MapView(
            self.name,
            self.image[:, *thin],
            self.labels[thin],
            self.confidence[thin],
            None if self.truth is None else self.truth[thin],
            self.step * step,
            None if self.valid is None else self.valid[thin],
        )


@dataclass(frozen=True, slots=True)
class ClusterSizes:
    """Sizes of the clusters.

    Attributes:
        where: What they are counted in, such as `the scene a.tif`.
        pixels: Number of pixels of each cluster, `(k,)`.
        areas: Area of each cluster in `unit`, `(k,)`. None if it is unknown.
        unit: Unit of the areas, such as `ha`. Empty if they are unknown.
    """

    where: str
    pixels: NDArray[np.int64]
    areas: NDArray[np.float64] | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class BandSpectra:
    """Spectra of the clusters, with what is known about the bands.

    Attributes:
        spectra: Mean and deviation of each band by cluster.
        bands: Name of each band.
        values: What the values are, such as `values of the raster`.
        where: What they were measured in, such as `the scene a.tif`.
    """

    spectra: Spectra
    bands: Sequence[str]
    values: str
    where: str


@dataclass(frozen=True, slots=True)
class ShownMaps:
    """What is shown of a run on label maps.

    Attributes:
        views: The scene, if there is one, and images, evenly spread over the data set.
        sizes: Sizes of the clusters.
        spectra: Spectra of the clusters.
    """

    views: Sequence[MapView]
    sizes: ClusterSizes
    spectra: BandSpectra
