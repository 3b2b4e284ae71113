"""What a network in each role can do; a quantity or a loss asks for one by its name in the recipe."""

from typing import Protocol, runtime_checkable

from torch import Tensor

from latentclust.tensors import (
    ClusterImages,
    Code,
    Features,
    HeadLogits,
    Images,
    Latent,
    Scores,
    Similarities,
    Vectors,
)


@runtime_checkable
class Encoder(Protocol):
    """Reads images, or a trunk's features, into a code."""

    def __call__(self, sample: Images | Features) -> Code:
        """The code of a batch."""
        ...


@runtime_checkable
class Generator(Protocol):
    """Draws images from latent variables."""

    def __call__(self, latent: Latent) -> Images:
        """The images of a batch of latents."""
        ...


@runtime_checkable
class Critic(Protocol):
    """Scores images, latent vectors or features with one real number each."""

    def __call__(self, sample: Images | Vectors | Features) -> Scores:
        """The scores of a batch, `(b,)`."""
        ...


@runtime_checkable
class Discriminator(Protocol):
    """Scores pairs of features and latent vectors."""

    def __call__(self, features: Features, vectors: Vectors) -> Scores:
        """The logits of a batch of pairs, `(b,)`."""
        ...


@runtime_checkable
class Trunk(Protocol):
    """Turns images, or another trunk's features, into features that several networks share."""

    def __call__(self, sample: Images | Features) -> Features:
        """The features of a batch, `(b, f)`, or a map of them."""
        ...


@runtime_checkable
class Heads(Protocol):
    """Reads images, or a trunk's features, into the cluster logits of several sub-heads."""

    def __call__(self, sample: Images | Features) -> HeadLogits:
        """The logits of a batch, `(b, h, k)`, or of its pixels, `(b, h, k, y, x)`."""
        ...


@runtime_checkable
class Centroids(Protocol):
    """Compares features with the centroid of each cluster."""

    def __call__(self, features: Features) -> Similarities:
        """The similarities of a batch, `(b, k)`, or of the places of a map, `(b, k, y, x)`."""
        ...


@runtime_checkable
class LayeredGenerator(Generator, Protocol):
    """Draws images from label maps and styles, every cluster a layer of its own."""

    def per_cluster(self, style: Tensor) -> ClusterImages:
        """Every cluster's layer, `(b, k, c, h, w)`."""
        ...


@runtime_checkable
class Represents(Protocol):
    """A network that can say how it represents a sample just before its head."""

    def represent(self, sample: Tensor) -> Tensor:
        """The representation, `(b, width)`, or a map of them."""
        ...
