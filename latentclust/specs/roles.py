"""Roles of networks, as protocols. Losses and quantities read a network by its name in the recipe."""

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
    """A network from images, or a trunk's features, to a code."""

    def __call__(self, sample: Images | Features) -> Code:
        """Return the code of a batch."""
        ...


@runtime_checkable
class Generator(Protocol):
    """A network from latent variables to images."""

    def __call__(self, latent: Latent) -> Images:
        """Return the images of a batch of latents, `(b, c, h, w)` or `(b, d)`."""
        ...


@runtime_checkable
class Critic(Protocol):
    """A network from images, latent vectors or features to one real number each."""

    def __call__(self, sample: Images | Vectors | Features) -> Scores:
        """Return the scores of a batch, `(b,)`."""
        ...


@runtime_checkable
class Discriminator(Protocol):
    """A network from pairs of features and latent vectors to one logit each."""

    def __call__(self, features: Features, vectors: Vectors) -> Scores:
        """Return the logits of a batch of pairs, `(b,)`."""
        ...


@runtime_checkable
class Trunk(Protocol):
    """A network from images, or another trunk's features, to features that several networks share."""

    def __call__(self, sample: Images | Features) -> Features:
        """Return the features of a batch, `(b, f)`, or a map `(b, f, h', w')`."""
        ...


@runtime_checkable
class Heads(Protocol):
    """A network from images, or a trunk's features, to the cluster logits of several sub-heads."""

    def __call__(self, sample: Images | Features) -> HeadLogits:
        """Return the logits of a batch, `(b, h, k)`, or of its pixels, `(b, h, k, y, x)`."""
        ...


@runtime_checkable
class Centroids(Protocol):
    """A network from features or latents to their similarity with the centroid of each cluster."""

    def __call__(self, features: Features | Vectors) -> Similarities:
        """Return the similarities of a batch, `(b, k)`, or of the positions of a map, `(b, k, y, x)`."""
        ...


@runtime_checkable
class LayeredGenerator(Generator, Protocol):
    """A generator of label maps: every cluster draws a layer, and the label map selects the visible one."""

    def per_cluster(self, style: Tensor) -> ClusterImages:
        """Return every cluster's layer, `(b, k, c, h, w)`, for a style `(b, d, h', w')`."""
        ...


@runtime_checkable
class InterpolatedGenerator(LayeredGenerator, Protocol):
    """A generator of label maps that can return the values between which its layers are interpolated."""

    def nodes(self, style: Tensor) -> Tensor | None:
        """Return the values of every cluster's layer on a coarser grid, `(b, k, c, y, x)`; None if there are none."""
        ...


@runtime_checkable
class Represents(Protocol):
    """A network that can return its representation of a sample, which is the input of its head."""

    def represent(self, sample: Tensor) -> Tensor:
        """Return the representation `(b, width)`, or a map `(b, width, h', w')`, float32."""
        ...
