"""The types of a training step: tensors named by their role, so that a loss cannot be bound to the wrong one."""

from dataclasses import dataclass
from typing import NewType

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from latentclust.cards import Card, Shown
from latentclust.errors import LatentclustError

Images = NewType("Images", Tensor)
"""Images `(b, c, h, w)`, or feature vectors `(b, d)` of a vector data set; float32, or a half type under autocast."""

Vectors = NewType("Vectors", Tensor)
"""Latent vectors `(b, d)`: category and style concatenated, as a critic of the latent reads them."""

Features = NewType("Features", Tensor)
"""Network activations: vectors `(b, f)`, or a map `(b, f, h', w')` at the stride of the trunk that computes it."""

Similarities = NewType("Similarities", Tensor)
"""Similarity of each sample, or of each position of a map, to each centroid, `(b, k, *s)`; largest for the nearest."""

Scores = NewType("Scores", Tensor)
"""One real number per sample, `(b,)` float32: a critic's value or a discriminator's logit."""

HeadLogits = NewType("HeadLogits", Tensor)
"""Unnormalised log cluster probabilities of h sub-heads, `(b, h, k)`, or of every pixel, `(b, h, k, y, x)`."""

ClusterImages = NewType("ClusterImages", Tensor)
"""One image per sample and cluster, `(b, k, c, h, w)` or `(b, k, d)`, as each cluster would draw it; float32."""

Mask = NewType("Mask", Tensor)
"""Valid pixels, `(b, h, w)` bool; the others enter no loss and no score."""

Alignment = NewType("Alignment", Tensor)
"""Affine maps `(b, 2, 3)` from the pixels of a view to those of the original images.

The coordinates are those of `torch.nn.functional.affine_grid` with `align_corners=False`: [-1, 1] in each axis.
"""

Permutation = NewType("Permutation", Tensor)
"""A permutation of the batch, `(b,)` int64."""

Scale = NewType("Scale", Tensor)
"""A positive number of the model, such as the standard deviation of its noise; 0-d float32."""

Scalar = NewType("Scalar", Tensor)
"""A loss term; 0-d float32."""

Sample = Images | Vectors
"""The inputs of a critic."""

Shape = tuple[int, ...]
"""Shape of one sample without the batch axis: `(c, h, w)` or `(d,)`."""


@dataclass(frozen=True, slots=True)
class View:
    """A view of a batch of images: an augmented copy, and where its pixels come from.

    Attributes:
        images: Images of the view, `(b, c, h, w)` in [0, 1], or feature vectors `(b, d)`.
        alignment: Affine maps from the pixels of the view to those of the original images, `(b, 2, 3)`.
    """

    images: Images
    alignment: Alignment

    @classmethod
    def in_place(cls, images: Images) -> "View":
        """Return a view whose pixels have not moved; its alignment is the identity."""
        return cls(images, Alignment(torch.eye(2, 3, device=images.device).expand(len(images), -1, -1)))


@dataclass(frozen=True, slots=True)
class Latent:
    """A draw of the prior, or a code in that form: the input of a generator.

    Attributes:
        category: One-hot vectors, or mixtures of them for interpolations: one per sample `(b, k)`, or one per pixel
            `(b, k, h, w)`. `k` is 0 under a prior without categories.
        style: All values that are not the category, `(b, d)`; for label maps a grid `(b, d, h', w')` that is coarser
            than the image.
        noise: Values `(b, n)` that a generator reads and no encoder recovers (InfoGAN). None: the prior's mean, 0.
    """

    category: Float[Tensor, "b k *s"]
    style: Float[Tensor, "b d *t"]
    noise: Float[Tensor, "b n"] | None = None

    def vector(self) -> Vectors:
        """Return category and style as one vector `(b, k + d)`, in this order. The noise is not part of it.

        Raises:
            LatentclustError: If the latent is that of label maps.
        """
        if self.style.dim() > 2:
            what = "latent vectors exist for images with one cluster each, but this system has one cluster per pixel"
            raise LatentclustError.at("losses", what, "Remove the losses that read latent vectors")
        return Vectors(torch.cat((self.category, self.style), dim=1))


@dataclass(frozen=True, slots=True)
class Code:
    """An encoder's output for a batch of images.

    Attributes:
        logits: Unnormalised log probabilities of the clusters, per sample `(b, k)` or per pixel `(b, k, h, w)`.
        style: Style `(b, d)`, or `(b, d, h', w')` for label maps; `d` is the prior's `style_dim`.
        features: Flattened mid-network activations `(b, f)`, the input of DCCS's discriminator; `f` is 0 for label
            maps.
        log_variance: Log variance of each style value, whose mean is `style`. None if the encoder has no such output.
        categorical: Whether the category is part of the latent: not under a prior without categories.
    """

    logits: Float[Tensor, "b k *s"]
    style: Float[Tensor, "b d *t"]
    features: Float[Tensor, "b f"]
    log_variance: Float[Tensor, "b d *t"] | None = None
    categorical: bool = True

    @property
    def probabilities(self) -> Float[Tensor, "b k *s"]:
        """Cluster probabilities, which sum to one over axis 1."""
        return self.logits.softmax(dim=1)

    @property
    def log_probabilities(self) -> Float[Tensor, "b k *s"]:
        """Log cluster probabilities in nats."""
        return self.logits.log_softmax(dim=1)

    @property
    def style_log_variance(self) -> Float[Tensor, "b d *t"]:
        """Log variance of the style, float32. LatentclustError is raised if the encoder does not compute it."""
        if self.log_variance is None:
            raise LatentclustError.at(
                "networks.encoder.log_variance",
                "must be true for a loss that reads the variance of the style",
                "Set log_variance = true, or remove the loss that reads it",
            )
        return self.log_variance.float()

    def latent(self) -> Latent:
        """Return the code as a generator's input: category probabilities, if the prior has categories, and style."""
        category = self.probabilities
        return Latent(category=category if self.categorical else category[:, :0], style=self.style)

    def vector(self) -> Vectors:
        """Return the code as one vector, as `Latent.vector` does: `(b, k + d)`, or `(b, d)` without categories."""
        return self.latent().vector()


@dataclass(frozen=True, slots=True, repr=False)
class Posterior(Shown):
    """The result of an inference for a batch of images.

    Attributes:
        probabilities: Cluster probabilities per sample `(b, k)` or per pixel `(b, k, h, w)`, which sum to one over
            axis 1.
        style: Inferred style, `(b, d)` or `(b, d, h', w')`; `d` is 0 if the inference computes none.
    """

    probabilities: Float[Tensor, "b k *s"]
    style: Float[Tensor, "b d *t"]

    @property
    def labels(self) -> Int64[Tensor, "b *s"]:
        """Most probable cluster of each sample or pixel, 0-based."""
        return self.probabilities.argmax(dim=1)

    @property
    def confidence(self) -> Float[Tensor, "b *s"]:
        """Probability of the most probable cluster, in (0, 1]."""
        return self.probabilities.amax(dim=1)

    def _headline(self) -> str:
        count, clusters, *sides = self.probabilities.shape
        size = f" of {' x '.join(map(str, sides))} pixels" if sides else ""
        return f"{count:,} images{size}, {clusters:,} clusters"

    def _card(self) -> Card:
        from latentclust.posterior_card import posterior_card

        return posterior_card(self.probabilities, f"Posterior of {self._headline()}")
