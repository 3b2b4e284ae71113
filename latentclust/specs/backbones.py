"""What a backbone must be: the bodies of networks, to which a role adds its own head."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from latentclust.specs.parts import Spec
from latentclust.tensors import Shape


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


class EncoderHeadSpec(ExtractorSpec, ABC):
    """A body that brings the head of an encoder with it, in the place of a linear one."""

    @abstractmethod
    def head(self, width: int, clusters: int, style_dim: int) -> nn.Module:
        """A module from the representation `(b, width)` to `(b, clusters + style_dim)`: cluster logits, then style."""


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


class CentroidsSpec(BackboneSpec, ABC):
    """Centroids in a space of features, for the role of that name, which adds no head."""

    @abstractmethod
    def centroids(self, clusters: int, width: int) -> nn.Module:
        """A module from features `(b, width, *s)` to similarities `(b, clusters, *s)`."""


class DecoderSpec(BackboneSpec, ABC):
    """A body for the generator."""

    @abstractmethod
    def decoder(self, width: int, shape: Shape) -> nn.Module:
        """A module from `(b, width)` to `(b, *shape)`; raises LatentclustError where the shape does not suit it."""
