"""Contrastive loss of the pixels of two views: VADeR (Pinheiro et al. 2020), PixPro (Xie et al. 2021, Eq. 2)."""

from typing import final

import torch
from jaxtyping import Bool, Float
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor
from torch.nn import functional

from latentclust.api import HeadLogits, LossSpec, Mask, Scalar

EXCLUDED = -1e9
"""Similarity of pixels that do not count: finite, so that a batch without visible pixels has a finite loss."""


@final
class DenseContrastive(LossSpec):
    """Cross-entropy of finding a pixel of the image in the aligned view among pixels of all views of the batch, nats.

    The outputs of heads at a pixel are its projection, and are compared by cosine similarity. Pixels at a regular
    distance are compared, those outside the view and invalid ones left out. With a `radius`, any pixel of the same
    image within it is as good as the pixel itself, so that features do not tell neighbours apart. The loss is the mean
    over sub-heads, pixels and both directions: `log m` for m pixels whose projections are all equal, and near 0 if each
    pixel is like its partner alone. In data-parallel training the other pixels are those of the same device.

    Example:
        ```toml
        [losses.dense]
        use = "dense-contrastive"
        player = "iic"
        every = 8
        on = { heads_of_real = "heads_of_real_features", heads_of_view = "aligned_heads_of_view" }
        ```
    """

    temperature: PositiveFloat = 0.2
    """Divisor of the cosine similarities. A low one makes the most similar pixels count most."""

    every: PositiveInt = 8
    """Distance of the compared pixels. Memory grows with the square of their number in a batch."""

    radius: NonNegativeFloat = 0.0
    """Largest distance in pixels of two pixels of an image that should have like projections."""

    def __call__(self, heads_of_real: HeadLogits, heads_of_view: HeadLogits, visible: Mask) -> Scalar:
        """Return the loss of two batches of projections `(b, h, d, y, x)`, the view aligned to the images."""
        seen = self._spread(visible[:, None, None])[0, :, 0] > 0
        one, other = (functional.normalize(self._spread(maps), dim=2) for maps in (heads_of_real, heads_of_view))
        similarities = one @ other.transpose(1, 2) / self.temperature
        partners = self._partners(visible) & seen
        loss = (_found(similarities, seen, partners) + _found(similarities.transpose(1, 2), seen, partners)) / 2
        return Scalar(loss)

    def _partners(self, visible: Mask) -> Bool[Tensor, "n n"]:
        """Return which compared pixels are of the same image and within the radius."""
        images, *sides = visible.shape
        at = [torch.arange(self.every // 2, side, self.every, device=visible.device) for side in sides]
        place = torch.stack(torch.meshgrid(*at, indexing="ij"), dim=-1).flatten(0, 1).float()
        near = torch.cdist(place, place) <= self.radius
        same = torch.eye(images, dtype=torch.bool, device=visible.device)
        return (same[:, None, :, None] & near[None, :, None, :]).reshape(images * len(near), -1)

    def _spread(self, maps: Tensor) -> Float[Tensor, "h n d"]:
        """Return the values of the compared pixels of maps `(b, h, d, y, x)`, by sub-head."""
        at = slice(self.every // 2, None, self.every)
        return maps[..., at, at].float().permute(1, 0, 3, 4, 2).flatten(1, 3)


def _found(
    similarities: Float[Tensor, "h n n"], seen: Bool[Tensor, " n"], partners: Bool[Tensor, "n n"]
) -> Float[Tensor, ""]:
    """Return the mean cross-entropy of the partners over the rows that count; 0 without any."""
    logits = similarities.masked_fill(~seen, EXCLUDED)
    target = partners / partners.sum(dim=1, keepdim=True).clamp_min(1)
    each = logits.logsumexp(dim=2) - (similarities * target).sum(dim=2)
    weight = seen.float()
    total: Float[Tensor, ""] = (each * weight).sum() / (weight.sum() * len(each)).clamp_min(1)
    return total
