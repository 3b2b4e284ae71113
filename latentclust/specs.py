"""What each kind of part must be: pydantic models whose fields are the recipe's keys, and the protocols of networks."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from latentclust.errors import LatentclustError
from latentclust.samples import ImageSet
from latentclust.tensors import Alignment, Images, Latent, Mask, Posterior, Scalar, Shape


class Spec(BaseModel):
    """A part and its options: immutable, strict, and with no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


# Backbones


class Extractor(nn.Module, ABC):
    """The body of a network that reads: input to a representation, by way of mid-network features.

    Attributes:
        width: Size of the representation.
        feature_width: Size of the flattened mid-network features.
    """

    width: int
    feature_width: int

    @abstractmethod
    def forward(self, sample: Tensor) -> tuple[Tensor, Tensor]:
        """`(b, *shape)` to representation `(b, width)` and mid-network features `(b, feature_width)`."""

    def preset(self) -> tuple[nn.Module, ...]:
        """The modules whose weights were loaded, and which a recipe's `init` leaves alone."""
        return ()


class BackboneSpec(Spec):
    """A network body. What it can be is said by the mixins below; a role adds its own head to it."""

    def bare(self) -> "BackboneSpec":
        """The same body without pretrained weights, which those of a model file are about to replace."""
        return self


class ExtractorSpec(BackboneSpec, ABC):
    """A body for the roles that read: encoder, critic, discriminator, trunk."""

    @abstractmethod
    def extractor(self, shape: Shape) -> Extractor:
        """The body for samples of `shape`; raises LatentclustError where the shape does not suit it."""


class MapExtractor(nn.Module, ABC):
    """The body of a network that reads every pixel: an image to a map of representations.

    Attributes:
        width: Channels of the map.
        stride: Pixels of the image, either way, to a place of the map; the sides of images are multiples of it.
    """

    width: int
    stride: int

    @abstractmethod
    def forward(self, sample: Tensor) -> Tensor:
        """`(b, c, h, w)` to `(b, width, h / stride, w / stride)`."""

    def preset(self) -> tuple[nn.Module, ...]:
        """The modules whose weights were loaded, and which a recipe's `init` leaves alone."""
        return ()


class MapExtractorSpec(BackboneSpec, ABC):
    """A body for the roles that read every pixel: encoder, trunk and heads of label maps."""

    @abstractmethod
    def map_extractor(self, shape: Shape) -> MapExtractor:
        """The body for images or maps of `shape`; raises LatentclustError where the shape does not suit it."""


class LayeredDecoder(nn.Module, ABC):
    """The body of a generator of label maps: a style to one image for each cluster, the layers of a picture."""

    def preset(self) -> tuple[nn.Module, ...]:
        """The modules whose weights a recipe's `init` leaves alone."""
        return ()

    @abstractmethod
    def forward(self, style: Tensor) -> Tensor:
        """`(b, d, h', w')` to `(b, k, c, h, w)`."""


class LayeredDecoderSpec(BackboneSpec, ABC):
    """A body for the generator of label maps."""

    @abstractmethod
    def layered_decoder(self, clusters: int, style_dim: int, stride: int, shape: Shape) -> LayeredDecoder:
        """The body for images of `shape` whose style has a place for `stride` x `stride` pixels.

        Raises:
            LatentclustError: where the shape or the stride does not suit it.
        """


class DecoderSpec(BackboneSpec, ABC):
    """A body for the generator."""

    @abstractmethod
    def decoder(self, width: int, shape: Shape) -> nn.Module:
        """A module from `(b, width)` to `(b, *shape)`; raises LatentclustError where the shape does not suit it."""


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
        __call__: Callable[..., Scalar]


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
    """A step that moves pixels, and says where each came from, so that label maps of the view can be moved back."""

    in_place: ClassVar[bool] = False

    @abstractmethod
    def move(self, images: Images, rng: torch.Generator) -> tuple[Images, Alignment]:
        """The images after the step, and the affine map by which each was sampled."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """The images after the step."""
        return self.move(images, rng)[0]


class HostViewSpec(ViewSpec, ABC):
    """A step on one decoded image at a time, run by the data workers."""

    @abstractmethod
    def apply_one(self, image: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
        """An `(h, w, c)` image to one of the same shape; the seed alone decides the draw."""


# Inference


@dataclass(frozen=True, slots=True)
class Model:
    """What an inference reads: trained networks, in evaluation mode, and the prior."""

    networks: Mapping[str, nn.Module]
    prior: PriorSpec


class InferenceSpec(Spec, ABC):
    """How latent variables, and so cluster labels, are obtained for given images."""

    reads_maps: ClassVar[bool] = False
    """Whether it can give every pixel a cluster, under a prior of label maps."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of the networks that it reads; assembly reports a recipe that lacks one."""
        return ()

    def objection(self, prior: PriorSpec) -> str | None:
        """Why it cannot work with a prior, or None; assembly reports it."""
        return None

    def fit(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        """What it must learn from the training images once, such as centroids; saved in the model file."""
        return {}

    @abstractmethod
    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """The posterior of a batch, given what `fit` returned."""


@dataclass(frozen=True, slots=True)
class Advance:
    """What chains come to in one round.

    Attributes:
        chains: Their new state, a row a sample, kept between rounds and in checkpoints.
        quantities: What the inference's `provides` names, for the losses of this round.
        diagnostics: Scalars by name, 0-d, for the log; one that is not finite ends the training.
    """

    chains: Mapping[str, Tensor]
    quantities: Mapping[str, Any]
    diagnostics: Mapping[str, Tensor]


class ChainSpec(InferenceSpec, ABC):
    """An inference that samples latent variables while networks are trained, by chains that persist between rounds.

    Each sample of the training set has its own row of every tensor of the state. In a round one batch is drawn, its
    chains advance, and all players step on that batch and on what the chains provide.
    """

    provides: ClassVar[Mapping[str, Any]]
    """The quantities that it gives to a training step: name to type."""

    @abstractmethod
    def begin(self, model: Model, batches: Iterable[Images], rng: torch.Generator) -> dict[str, Tensor]:
        """New chains for all images of the training set, in order; tensors `(n, ...)`.

        `batches` may be gone through more than once.
        """

    @abstractmethod
    def advance(
        self,
        model: Model,
        images: Images,
        chains: Mapping[str, Tensor],
        progress: float,
        rng: torch.Generator,
        valid: Mask | None = None,
    ) -> Advance:
        """The chains of a batch after one round's steps, the networks held and in evaluation mode.

        Args:
            model: The networks as they are now, and the prior.
            images: The batch.
            chains: Its rows of the state.
            progress: How much of the training has passed, in [0, 1].
            rng: On the images' device.
            valid: Which pixels count, of a system of label maps whose data leave any out.
        """

    def lengths(self) -> Mapping[int, "ChainSpec"]:
        """The same inference with shorter and longer chains, by their steps, for the report's curve; may be empty."""
        return {}


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
