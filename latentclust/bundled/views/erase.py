"""Erasing a rectangle: Zhong et al. (2020), Random Erasing Data Augmentation."""

from typing import Annotated, ClassVar

import torch
from jaxtyping import Bool, Float
from pydantic import AfterValidator, Field
from torch import Tensor

from latentclust.api import DeviceViewSpec, Images, Shape
from latentclust.bundled.views.draws import FactorRange, Probability, ascending, chosen, log_uniform, uniform
from latentclust.bundled.views.shapes import image_shape

Share = Annotated[float, Field(ge=0, le=1)]


class Erase(DeviceViewSpec):
    """Blackens a rectangle at a random place, so that no one detail decides the cluster."""

    random: ClassVar[bool] = True

    area: Annotated[tuple[Share, Share], AfterValidator(ascending)] = (0.02, 0.2)
    """Smallest and largest share of the image's area."""

    aspect: FactorRange = (0.5, 2.0)
    """Width over height, relative to the image's; log-uniform."""

    probability: Probability = 0.5
    """Of each image, by itself, that it is changed."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Blackens a rectangle of each of the images `(b, c, h, w)` with `probability`."""
        _, height, width = self.output_shape(tuple(images.shape[1:]))
        count = len(images)
        area, aspect = uniform(count, *self.area, rng), log_uniform(count, self.aspect, rng)
        down = span(height, (area / aspect).sqrt(), uniform(count, 0.0, 1.0, rng))
        across = span(width, (area * aspect).sqrt(), uniform(count, 0.0, 1.0, rng))
        inside = (
            down[:, None, :, None]
            & across[:, None, None, :]
            & chosen(count, self.probability, rng)[:, None, None, None]
        )
        return Images(images.masked_fill(inside, 0.0))

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """The same shape; raises LatentclustError for vectors."""
        return image_shape("erase", shape)


def span(size: int, share: Float[Tensor, " b"], place: Float[Tensor, " b"]) -> Bool[Tensor, "b size"]:
    """Which of `size` pixels an interval of `share` of them covers, from the near end (`place` 0) to the far (1)."""
    length = (share.clamp(max=1) * size).round()
    start = (place * (size - length + 1)).floor().minimum(size - length)
    pixels = torch.arange(size, device=share.device)
    return (pixels >= start[:, None]) & (pixels < (start + length)[:, None])
