"""Inference of STEGO: the nearest centroid to the code of each pixel (Hamilton et al., ICLR 2022, section 3.3)."""

from collections.abc import Mapping
from typing import ClassVar, final

import torch
from latentclust.api import Images, InferenceSpec, Model, Posterior, PriorSpec
from pydantic import PositiveFloat
from torch import Tensor
from torch.nn import functional


@final
class ClusterProbe(InferenceSpec):
    """Softmax of the cosine similarities of codes with centroids, after bilinear interpolation to the image size.

    As Hamilton et al. 2022, without the CRF by which they then refine the labels.
    """

    reads_maps: ClassVar[bool] = True

    temperature: PositiveFloat = 0.5
    """Divisor of the similarities, which lie in [-1, 1], before the softmax. Labels do not depend on it."""

    flip: bool = True
    """Whether each code is averaged with that of the mirrored image, as in the paper."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the frozen trunk, the segmentation head and the centroids."""
        return ("trunk", "segmenter", "centroids")

    def objection(self, prior: PriorSpec) -> str | None:
        """Reject a prior of whole images."""
        return None if prior.per_pixel else "it gives every pixel a cluster"

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """Return the posterior of every pixel. `state` and `rng` are not used."""
        codes = _codes(model, images)
        if self.flip:
            codes = (codes + _codes(model, Images(images.flip(3))).flip(3)) / 2
        network = model.networks["centroids"]
        found = torch.cat([network(_enlarged(code[None], images.shape[2:])) for code in codes])
        return Posterior(probabilities=(found / self.temperature).softmax(dim=1), style=found.new_zeros(len(found), 0))


def _codes(model: Model, images: Images) -> Tensor:
    """Return the code of every position of the map of the head."""
    codes: Tensor = model.networks["segmenter"](model.networks["trunk"](images))
    return codes.float()


def _enlarged(codes: Tensor, size: torch.Size) -> Tensor:
    """Return the codes of one image at its size. Those of a batch would need far more memory than the batch."""
    return functional.interpolate(codes, size=size, mode="bilinear", align_corners=False)
