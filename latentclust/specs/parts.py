"""What each kind of part must be: pydantic models whose fields are the recipe's keys, and the protocols of networks."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from latentclust.errors import LatentclustError
from latentclust.specs.data import ImageSet
from latentclust.tensors import Images, Latent, Mask, Scalar, Shape, View


class Spec(BaseModel):
    """A part and its options: immutable, strict, and with no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


# Priors


class PriorSpec(Spec, ABC):
    """The distribution that latent variables are drawn from or matched to."""

    clusters: int
    """K, the number of clusters asked for; at least 2."""

    style_dim: int

    per_pixel: ClassVar[bool] = False
    """Whether each pixel has a category of its own, and images have a label map instead of a label."""

    @property
    @abstractmethod
    def categories(self) -> int:
        """Columns of `Latent.category`: `clusters`, or 0 for a prior with no categorical part."""

    @abstractmethod
    def sample(self, count: int, rng: torch.Generator) -> Latent:
        """`count` independent draws on the generator's device, float32."""

    @property
    def width(self) -> int:
        """Size of a latent vector."""
        return self.categories + self.style_dim


class MapPriorSpec(PriorSpec, ABC):
    """A distribution of label maps beside a grid of styles."""

    per_pixel: ClassVar[bool] = True

    style_stride: int
    """Pixels, either way, to a place of the style's grid."""

    sigma: float
    """Standard deviation of each value of a style."""


# Losses


class LossSpec(Spec):
    """One term of an objective: a function of quantities, which it names by its parameters."""

    if TYPE_CHECKING:
        __call__: ClassVar[Callable[..., Scalar]]


# Data


class DatasetSpec(Spec, ABC):
    """A data set: where its files lie, how they are read, and under which licence they come."""

    summary: ClassVar[str]
    """One line: count, size, classes."""

    licence: ClassVar[str]

    layout: ClassVar[str]
    """The files it reads, relative to a data root, as told to a user who has none."""

    @abstractmethod
    def open(self, roots: tuple[Path, ...]) -> ImageSet:
        """Opens the set from the first root that holds it; raises LatentclustError saying what to get otherwise."""

    @abstractmethod
    def located(self, roots: tuple[Path, ...]) -> Path | None:
        """The file or folder it would read, or None where it is absent; reads no sample."""

    def fetch(self, root: Path) -> None:
        """Downloads the set, with checks, into its layout under `root`; raises LatentclustError where it cannot."""
        raise LatentclustError.at("data fetch", f"{type(self).__name__} has no download", f"Lay out {self.layout}")


class SceneDatasetSpec(DatasetSpec, ABC):
    """A data set whose samples are windows of rasters, and which can read one of those whole, as its samples are."""

    @abstractmethod
    def scene_size(self, path: Path) -> tuple[int, int]:
        """Height and width of a scene that `ImageSet.scenes` names, without reading its pixels."""

    @abstractmethod
    def read_scene(self, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """A scene `(c, h, w)` that `ImageSet.scenes` names, and which of its pixels are data, `(h, w)`.

        Raises:
            LatentclustError: A damaged file, or one of other bands.
        """


# Views


class ViewSpec(Spec):
    """An augmentation or a preprocessing step."""


class DeviceViewSpec(ViewSpec, ABC):
    """A batched step on the device; no host synchronisation, so that it may be captured in a CUDA graph."""

    random: ClassVar[bool]
    """False for a deterministic step, which may serve as preprocessing."""

    in_place: ClassVar[bool] = True
    """False where pixels change place; a system of label maps then needs a `MovingViewSpec`."""

    @abstractmethod
    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Images `(b, c, h, w)` in [0, 1] to images in [0, 1]; `rng` lives on the images' device."""

    def output_shape(self, shape: Shape) -> Shape:
        """The shape of a sample after this step; raises LatentclustError where the step cannot take it."""
        return shape


class MovingViewSpec(DeviceViewSpec, ABC):
    """A step that moves pixels and returns their alignment, so that label maps of the view can be moved back."""

    in_place: ClassVar[bool] = False

    @abstractmethod
    def move(self, images: Images, rng: torch.Generator) -> View:
        """Return the images after the step with the affine map by which each was sampled.

        Args:
            images: Images `(b, c, h, w)` in [0, 1].
            rng: Generator on the device of the images, the only source of randomness.

        Returns:
            Images in [0, 1], and their alignment `(b, 2, 3)`: for each pixel of the result its source position in
            `images`, in the coordinates of `torch.nn.functional.affine_grid` with `align_corners=False`.
        """

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Return the images of `move`."""
        return self.move(images, rng).images


class HostViewSpec(ViewSpec, ABC):
    """A step on one decoded image at a time, run by the data workers."""

    @abstractmethod
    def apply_one(self, image: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
        """An `(h, w, c)` image to one of the same shape; the seed alone decides the draw."""


# Evaluation


class MetricSpec(Spec, ABC):
    """A number computed from a contingency table."""

    @abstractmethod
    def __call__(self, table: NDArray[np.int64]) -> float:
        """The metric of `table[cluster, class]`, counts."""


class Baseline(Spec, ABC):
    """A plain clustering of the same data, to stand beside the result: of whole images, or of their pixels."""


class BaselineSpec(Baseline, ABC):
    """A classical clustering of whole images or vectors."""

    on: str = "pixels"
    """`pixels`, or the name of a network whose representation is clustered."""

    @abstractmethod
    def cluster(self, points: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
        """Labels `(n,)`, 0-based, of points `(n, d)`."""


Mapped = Callable[[Images], Tensor]
"""Images `(b, c, h, w)` to the cluster of each pixel, `(b, h, w)` int64, 0-based, on the images' device."""


class MapBaselineSpec(Baseline, ABC):
    """A plain clustering of pixels, fitted to some of them and then read out image by image."""

    sample: int = Field(default=100_000, ge=1)
    """How many pixels it is fitted to, drawn evenly from the images."""

    @abstractmethod
    def fit(self, batches: Iterable[tuple[Images, Mask]], count: int, clusters: int, seed: int) -> Mapped:
        """The clustering of pixels.

        Args:
            batches: Images as stored, in [0, 1], each with its pixels that count.
            count: How many images all batches hold.
            clusters: K.
            seed: Of the draw of pixels and of the clustering.

        Raises:
            LatentclustError: where the images do not suit it, or something that it needs is not installed.
        """
