"""Reading STEGO out: the nearest centroid of each pixel's code (Hamilton et al., ICLR 2022, section 3.3)."""

from collections.abc import Mapping
from typing import ClassVar, final

import torch
from latentclust.api import Images, InferenceSpec, Model, Posterior, PriorSpec
from pydantic import PositiveFloat
from torch import Tensor
from torch.nn import functional


@final
class ClusterProbe(InferenceSpec):
    """Codes, interpolated bilinearly to the image's size, to the softmax of their cosines with the centroids.

    As Hamilton et al. 2022, without the CRF by which they then refine the labels.
    """

    reads_maps: ClassVar[bool] = True

    temperature: PositiveFloat = 0.5
    """What similarities, in [-1, 1], are divided by before the softmax; labels do not depend on it."""

    flip: bool = True
    """Average each code with that of the mirrored image, as the paper does."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The frozen trunk, the segmentation head and the centroids."""
        return ("trunk", "segmenter", "centroids")

    def objection(self, prior: PriorSpec) -> str | None:
        """Refuses a prior of whole images."""
        return None if prior.per_pixel else "it gives every pixel a cluster"

    def posterior(self, model: Model, images: Images, state: Mapping[str, Tensor], rng: torch.Generator) -> Posterior:
        """The posterior of every pixel; `state` and `rng` are not read."""
        codes = _codes(model, images)
        if self.flip:
            codes = (codes + _codes(model, Images(images.flip(3))).flip(3)) / 2
        network = model.networks["centroids"]
        found = torch.cat([network(_enlarged(code[None], images.shape[2:])) for code in codes])
        return Posterior(probabilities=(found / self.temperature).softmax(dim=1), style=found.new_zeros(len(found), 0))


def _codes(model: Model, images: Images) -> Tensor:
    """The code of every place of the head's map."""
    codes: Tensor = model.networks["segmenter"](model.networks["trunk"](images))
    return codes.float()


def _enlarged(codes: Tensor, size: torch.Size) -> Tensor:
    """Codes of one image at its size: of a batch they would take far more memory than it."""
    return functional.interpolate(codes, size=size, mode="bilinear", align_corners=False)
