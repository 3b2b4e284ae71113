"""The correspondence loss of STEGO: Hamilton et al., ICLR 2022, Eq. 1 to 4."""

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
    """What stands at n points of each image.

    Attributes:
        features: Of the frozen backbone.
        codes: Of the segmentation head.
    """

    features: Float[Tensor, "b n f"]
    codes: Float[Tensor, "b n d"]


def correspondences(ours: Float[Tensor, "b n c"], theirs: Float[Tensor, "b m c"]) -> Float[Tensor, "b n m"]:
    """Cosine similarities of all pairs of points of two images, Eq. 1; float32 at least."""
    return functional.normalize(_single(ours), dim=2) @ functional.normalize(_single(theirs), dim=2).mT


def centred(found: Float[Tensor, "b n m"]) -> Float[Tensor, "b n m"]:
    """Without each point's mean over the other image, Eq. 3; the mean of all stays what it was."""
    return found - found.mean(dim=2, keepdim=True) + found.mean()


@final
class FeatureCorrespondence(LossSpec):
    """Draws codes together where features correspond by more than `shift`, and apart where by less.

    The mean of `-max(S, 0) (F - shift)` over pairs of points, S of the codes and F of the features, both cosine
    similarities (Hamilton et al. 2022, Eq. 4). No gradient reaches the features.
    """

    shift: float = Field(examples=[0.1])
    """b of Eq. 4, in [-1, 1]: the more of it, the more pairs are driven apart."""

    centre: bool = True
    """Take off each point's mean correspondence with the other image (spatial centring, Eq. 3).

    As in the authors' experiments the batch's mean is put back, so that `shift` means the same with and without.
    """

    clamp: bool = True
    """Let pairs whose codes are orthogonal or opposed alone, so that they may be unrelated (0-clamp, section 3.2)."""

    def __call__(self, sampled: Sampled, others: Sampled) -> Scalar:
        """The term over a batch; `others` may hold several batches of other images, one behind the other."""
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
    """Values of half precision as float32; others as they are."""
    return values if values.dtype == torch.float64 else values.float()
