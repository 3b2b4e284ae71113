"""Specs of backbones: the bodies of networks, to which a role adds its own head."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from latentclust.specs.parts import PriorSpec, Spec
from latentclust.tensors import Shape


@dataclass(frozen=True, slots=True)
class Weights:
    """Pretrained weights that a backbone can load.

    Attributes:
        options: Options of the backbone that load them.
        training: How they were trained, and whether with labels.
        licence: Their licence.
        mebibytes: Size of the weights.
        installed: Whether they are on this machine, so that no network is needed.
    """

    options: Mapping[str, str]
    training: str
    licence: str
    mebibytes: float
    installed: bool


class Extractor(nn.Module, ABC):
    """The body of a network that reads samples: it computes a representation and mid-network features.

    Attributes:
        width: Size of the representation.
        feature_width: Size of the flattened mid-network features.
    """

    width: int
    feature_width: int

    @abstractmethod
    def forward(self, sample: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the representation `(b, width)` and the features `(b, feature_width)` of samples `(b, *shape)`."""

    def preset(self) -> tuple[nn.Module, ...]:
        """Return the modules with pretrained weights. A recipe's `init` does not change them. Defaults to none."""
        return ()


class BackboneSpec(Spec):
    """A network body that a recipe selects for a role. Subclass one of the specs below, one for each use."""

    @classmethod
    def known_weights(cls) -> tuple[Weights, ...]:
        """Return pretrained weights to choose from, for `latentclust data weights`. Defaults to none."""
        return ()

    def for_prior(self, prior: PriorSpec) -> "BackboneSpec":
        """Return the spec with sizes that follow from the prior, such as its number of clusters. Defaults to itself.

        A field for such a size has the default None, so that a recipe can still set it.
        """
        return self

    def bare(self) -> "BackboneSpec":
        """Return the spec without pretrained weights, for a network whose weights are about to be loaded."""
        return self


class ExtractorSpec(BackboneSpec, ABC):
    """A body for the roles that read whole samples: encoder, critic, discriminator, trunk and heads."""

    @abstractmethod
    def extractor(self, shape: Shape) -> Extractor:
        """Build the body for samples of a shape.

        Args:
            shape: Shape of one sample, `(c, h, w)` or `(d,)`.

        Raises:
            LatentclustError: If the body cannot read samples of this shape.
        """


class EncoderHeadSpec(ExtractorSpec, ABC):
    """A body with its own encoder head, which replaces the linear one.

    With `log_variance`, the log variance of the style comes from a linear layer beside it.
    """

    @abstractmethod
    def head(self, width: int, clusters: int, style_dim: int) -> nn.Module:
        """Build the head: from a representation `(b, width)` to `(b, clusters + style_dim)`, cluster logits first."""


class MapExtractor(nn.Module, ABC):
    """The body of a network that reads every pixel: it computes a map of representations.

    Attributes:
        width: Number of channels of the map.
        stride: Pixels of the image per position of the map, in each axis. The sides of images are multiples of it.
    """

    width: int
    stride: int

    @abstractmethod
    def forward(self, sample: Tensor) -> Tensor:
        """Compute the map `(b, width, h / stride, w / stride)` of images `(b, c, h, w)`."""

    def preset(self) -> tuple[nn.Module, ...]:
        """Return the modules with pretrained weights. A recipe's `init` does not change them. Defaults to none."""
        return ()


class MapExtractorSpec(BackboneSpec, ABC):
    """A body for the roles that read every pixel: encoder, trunk and heads of label maps."""

    @abstractmethod
    def map_extractor(self, shape: Shape) -> MapExtractor:
        """Build the body for images, or for a trunk's map, of shape `(c, h, w)`.

        Raises:
            LatentclustError: If the body cannot read this shape.
        """


class LayeredDecoder(nn.Module, ABC):
    """The body of a generator of label maps: it draws one image per cluster, the layers of a picture."""

    def preset(self) -> tuple[nn.Module, ...]:
        """Return the modules whose weights a recipe's `init` does not change. Defaults to none."""
        return ()

    @abstractmethod
    def forward(self, style: Tensor) -> Tensor:
        """Compute the layers `(b, k, c, h, w)` of a style `(b, d, h', w')`."""

    def nodes(self, style: Tensor) -> Tensor | None:
        """Return the values `(b, k, c, y, x)` that `forward` interpolates, for an inference that works on their grid.

        The interpolation is bilinear, by a whole factor of at least 2, and does not align corners. Defaults to None:
        the layers are not interpolated values.
        """
        return None


class LayeredDecoderSpec(BackboneSpec, ABC):
    """A body for the generator of label maps."""

    @abstractmethod
    def layered_decoder(self, clusters: int, style_dim: int, stride: int, shape: Shape) -> LayeredDecoder:
        """Build the body.

        Args:
            clusters: Number of layers K.
            style_dim: Number of style values per position of the style's grid.
            stride: Pixels of the image per position of the style's grid, in each axis.
            shape: Shape of an image, `(c, h, w)`.

        Raises:
            LatentclustError: If the body cannot draw images of this shape, or from a grid of this stride.
        """


class CentroidsSpec(BackboneSpec, ABC):
    """Centroids in a feature space, for the role `centroids`, which adds no head."""

    @abstractmethod
    def centroids(self, clusters: int, width: int) -> nn.Module:
        """Build the module from features `(b, width, *s)` to similarities `(b, n, *s)`, n as `count` says."""

    def count(self, clusters: int) -> int:
        """Return the number of points: by default one per cluster. A queue of keys has another number."""
        return clusters


class DecoderSpec(BackboneSpec, ABC):
    """A body for the generator of whole samples."""

    @property
    def least_style(self) -> int:
        """Smallest number of style values that the body reads, the last ones of a latent vector. Defaults to 0."""
        return 0

    @abstractmethod
    def decoder(self, width: int, shape: Shape) -> nn.Module:
        """Build the module from latent vectors `(b, width)` to samples `(b, *shape)`.

        Raises:
            LatentclustError: If the body cannot draw samples of this shape.
        """
