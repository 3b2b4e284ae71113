"""The correspondence loss of STEGO (Hamilton et al., ICLR 2022, Eq. 1 to 4)."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from latentclust.api import LossSpec, Scalar
from pydantic import Field
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Sampled:
    """Features and codes at n points of each image.

    Attributes:
        features: Features of the frozen backbone.
        codes: Codes of the segmentation head.
    """

    features: Float[Tensor, "b n f"]
    codes: Float[Tensor, "b n d"]


def correspondences(ours: Float[Tensor, "b n c"], theirs: Float[Tensor, "b m c"]) -> Float[Tensor, "b n m"]:
    """Return the cosine similarities of all pairs of points of two images, Eq. 1, in float32 or float64."""
    return functional.normalize(_single(ours), dim=2) @ functional.normalize(_single(theirs), dim=2).mT


def centred(found: Float[Tensor, "b n m"]) -> Float[Tensor, "b n m"]:
    """Subtract the mean of each point over the other image, Eq. 3. The mean over all pairs does not change."""
    return found - found.mean(dim=2, keepdim=True) + found.mean()


@final
class FeatureCorrespondence(LossSpec):
    """Loss that attracts codes whose features correspond by more than `shift`, and repels the others.

    The mean of `-max(S, 0) (F - shift)` over pairs of points, S of the codes and F of the features, both cosine
    similarities (Hamilton et al. 2022, Eq. 4). No gradient reaches the features.
    """

    shift: float = Field(examples=[0.1])
    """b of Eq. 4, in [-1, 1]. Larger values repel more pairs."""

    centre: bool = True
    """Whether the mean correspondence of each point with the other image is subtracted (spatial centring, Eq. 3).

    As in the authors' experiments the mean of the batch is added again, so that `shift` has the same meaning with and
    without centring.
    """

    clamp: bool = True
    """Whether pairs with orthogonal or opposite codes are ignored: they may be unrelated (0-clamp, section 3.2)."""

    def __call__(self, sampled: Sampled, others: Sampled) -> Scalar:
        """Compute the term of a batch. `others` may contain several batches of other images, concatenated."""
        times = len(others.codes) // len(sampled.codes)
        with torch.no_grad():
            of_features = correspondences(sampled.features.repeat(times, 1, 1), others.features)
            if self.centre:
                of_features = centred(of_features)
        of_codes = correspondences(sampled.codes.repeat(times, 1, 1), others.codes)
        if self.clamp:
            of_codes = of_codes.clamp_min(0)
        return Scalar(-(of_codes * (of_features - self.shift)).mean())


def _single(values: Tensor) -> Tensor:
    """Return values as float32, or unchanged if they are float64."""
    return values if values.dtype == torch.float64 else values.float()
