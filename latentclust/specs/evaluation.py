"""Specs of metrics and baselines."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt
from torch import Tensor

from latentclust.specs.parts import Spec
from latentclust.tensors import Images, Mask

PIXELS = "pixels"
"""What a baseline clusters by default: the values of the samples as stored."""

INPUTS = "inputs"
"""What a baseline of pixels can cluster too: images as the networks read them."""

NOISE = -1
"""Cluster of a point that a baseline puts into no cluster."""


class MetricSpec(Spec, ABC):
    """A score computed from a contingency table."""

    @abstractmethod
    def __call__(self, table: NDArray[np.int64]) -> float:
        """Return the score of a table `(clusters, classes)` of counts."""


class Baseline(Spec, ABC):
    """A classical clustering of the same data, scored for comparison: a BaselineSpec or a MapBaselineSpec."""


class BaselineSpec(Baseline, ABC):
    """A classical clustering of whole images or vectors."""

    finds_clusters: ClassVar[bool] = False
    """Whether the method finds the number of clusters itself. The report then states it, and the share of noise."""

    on: str = PIXELS
    """`pixels`, `features` for those of the recipe's table `[features]`, or the name of a network whose representation
    is clustered."""

    pca: PositiveInt | None = None
    """Number of principal components that the points are reduced to, at most as many as there are. None: no reduction,
    or, if the points are whitened, all components."""

    whiten: bool = False
    """Whether each principal component is scaled to the variance 1. Components without variance are left out."""

    @abstractmethod
    def cluster(self, points: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
        """Return the cluster of each point.

        Args:
            points: Points `(n, d)`, after `pca` and `whiten`.
            clusters: Number of clusters K.
            seed: Random seed.

        Returns:
            Clusters `(n,)`, 0-based and below K. With `finds_clusters` there may be more, and `NOISE` is a point that
            is in no cluster.
        """


Mapped = Callable[[Images], Tensor]
"""A function from images `(b, c, h, w)` to the cluster of each pixel, `(b, h, w)` int64, 0-based, on their device."""


class MapBaselineSpec(Baseline, ABC):
    """A classical clustering of pixels. It is fitted to a sample of them and then applied to each image."""

    on: Literal["pixels", "inputs"] = "pixels"
    """`pixels` for images as stored, or `inputs` for what the networks read: images after `data.preprocess`."""

    sample: int = Field(default=100_000, ge=1)
    """Number of pixels that the clustering is fitted to, drawn evenly from the images."""

    @abstractmethod
    def fit(self, batches: Iterable[tuple[Images, Mask]], count: int, clusters: int, seed: int) -> Mapped:
        """Fit the clustering to pixels.

        Args:
            batches: Images as stored, in [0, 1], with their valid pixels.
            count: Number of images in all batches.
            clusters: Number of clusters K.
            seed: Random seed of the draw of pixels and of the clustering.

        Returns:
            A function that returns the cluster of each pixel of given images.

        Raises:
            LatentclustError: If the images are unsuitable, or a required package is not installed.
        """
