"""The vocabulary of a training step: tensors by the role they play, so that the wrong one cannot be bound."""

from dataclasses import dataclass
from typing import NewType

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from latentclust.errors import LatentclustError

Images = NewType("Images", Tensor)
"""Float images `(b, c, h, w)`, or feature vectors `(b, d)` of a vector data set; float32 unless autocast."""

Vectors = NewType("Vectors", Tensor)
"""Latent vectors `(b, d)`: category and style side by side, as a critic of the latent reads them."""

Features = NewType("Features", Tensor)
"""Network activations: flat `(b, f)`, or a map `(b, f, h', w')` at the stride of the trunk that made it."""

Similarities = NewType("Similarities", Tensor)
"""How alike each sample, or each place of a map, is to each centroid, `(b, k, *s)`: greatest for the nearest."""

Scores = NewType("Scores", Tensor)
"""One real number a sample, `(b,)`: a critic's value or a discriminator's logit; float32."""

HeadLogits = NewType("HeadLogits", Tensor)
"""Unnormalised log cluster probabilities of several sub-heads, `(b, h, k)`, or of every pixel, `(b, h, k, y, x)`."""

ClusterImages = NewType("ClusterImages", Tensor)
"""One image a sample and cluster, `(b, k, c, h, w)` or `(b, k, d)`: how each cluster would draw the sample; float32."""

Mask = NewType("Mask", Tensor)
"""Which pixels count, `(b, h, w)` bool."""

Alignment = NewType("Alignment", Tensor)
"""Where in its image each place of a view comes from: affine maps `(b, 2, 3)` in `affine_grid`'s coordinates."""


@dataclass(frozen=True, slots=True)
class View:
    """A view of a batch of images.

    Attributes:
        images: Images of the view, `(b, c, h, w)`, or feature vectors `(b, d)`.
        alignment: Source positions of the view's pixels in the original images.
    """

    images: Images
    alignment: Alignment

    @classmethod
    def in_place(cls, images: Images) -> "View":
        """Return a view of images whose pixels have not moved."""
        return cls(images, Alignment(torch.eye(2, 3, device=images.device).expand(len(images), -1, -1)))


Permutation = NewType("Permutation", Tensor)
"""A permutation of the batch, `(b,)` int64."""

Scale = NewType("Scale", Tensor)
"""A positive number of the model, such as its noise's standard deviation: 0-d, float32."""

Scalar = NewType("Scalar", Tensor)
"""A loss term: a 0-d float32 tensor."""

Sample = Images | Vectors
"""What a critic may judge."""

Shape = tuple[int, ...]
"""The shape of one sample, without the batch: `(c, h, w)` or `(d,)`."""


@dataclass(frozen=True, slots=True)
class Latent:
    """A draw of the prior, or a code read as one: what a generator turns into images.

    Attributes:
        category: One-hot (or a mixture of one-hots when interpolating); `k = 0` under a prior with no categories. One
            a sample, or one a pixel.
        style: Everything that is not the category; of label maps a grid coarser than the image.
    """

    category: Float[Tensor, "b k *s"]
    style: Float[Tensor, "b d *t"]

    def vector(self) -> Vectors:
        """Category and style as one vector, `(b, k + d)`, in this order; raises LatentclustError for label maps."""
        if self.style.dim() > 2:
            what = "latent vectors are of images with one cluster each, and here every pixel has one"
            raise LatentclustError.at("losses", what, "Take out what reads latent vectors")
        return Vectors(torch.cat((self.category, self.style), dim=1))


@dataclass(frozen=True, slots=True)
class Code:
    """What an encoder says of images.

    Attributes:
        logits: Unnormalised log probabilities of the clusters, of the sample or of each pixel.
        style: The style part, of the prior's style size.
        features: Flattened mid-network activations, which DCCS's discriminator reads; no columns per pixel.
        log_variance: Log variance of each style value, whose mean is `style`; None of an encoder without it.
    """

    logits: Float[Tensor, "b k *s"]
    style: Float[Tensor, "b d *t"]
    features: Float[Tensor, "b f"]
    log_variance: Float[Tensor, "b d *t"] | None = None

    @property
    def probabilities(self) -> Float[Tensor, "b k *s"]:
        """Cluster probabilities."""
        return self.logits.softmax(dim=1)

    @property
    def log_probabilities(self) -> Float[Tensor, "b k *s"]:
        """Log cluster probabilities, nats."""
        return self.logits.log_softmax(dim=1)

    @property
    def style_log_variance(self) -> Float[Tensor, "b d *t"]:
        """`log_variance`, float32; raises LatentclustError where the encoder gives none."""
        if self.log_variance is None:
            raise LatentclustError.at(
                "networks.encoder.log_variance",
                "the style's variance is asked for, and the encoder gives none",
                "Set log_variance = true, or take out what asks for it",
            )
        return self.log_variance.float()

    def latent(self) -> Latent:
        """The code as a generator's input: category probabilities and style."""
        return Latent(category=self.probabilities, style=self.style)

    def vector(self) -> Vectors:
        """Cluster probabilities and style as one vector, `(b, k + d)`, laid out as `Latent.vector`."""
        return self.latent().vector()


@dataclass(frozen=True, slots=True)
class Posterior:
    """What inference returns.

    Attributes:
        probabilities: Cluster probabilities of the sample or of each pixel; they sum to one over axis 1.
        style: The inferred style code; zero columns where the inference has none.
    """

    probabilities: Float[Tensor, "b k *s"]
    style: Float[Tensor, "b d *t"]

    @property
    def labels(self) -> Int64[Tensor, "b *s"]:
        """The most probable cluster of each sample or pixel, 0-based."""
        return self.probabilities.argmax(dim=1)

    @property
    def confidence(self) -> Float[Tensor, "b *s"]:
        """The probability of that cluster, in (0, 1]."""
        return self.probabilities.amax(dim=1)
