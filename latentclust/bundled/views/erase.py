"""Random erasing of a rectangle: Zhong et al. (2020), Random Erasing Data Augmentation."""

from typing import Annotated, ClassVar

import torch
from jaxtyping import Bool, Float
from pydantic import AfterValidator, Field
from torch import Tensor

from latentclust.api import DeviceViewSpec, Images, Shape
from latentclust.bundled.views.draws import FactorRange, Probability, ascending, bernoulli, log_uniform, uniform
from latentclust.bundled.views.shapes import image_shape

Share = Annotated[float, Field(ge=0, le=1)]


class Erase(DeviceViewSpec):
    """Sets a random rectangle to black, so that no single detail determines the cluster.

    Example:
        ```toml
        [views.view]
        use = "erase"
        area = [0.02, 0.1]
        probability = 0.5
        ```
    """

    random: ClassVar[bool] = True

    area: Annotated[tuple[Share, Share], AfterValidator(ascending)] = (0.02, 0.2)
    """Range of the area of the rectangle, as a fraction of the area of the image."""

    aspect: FactorRange = (0.5, 2.0)
    """Range of the ratio of width to height of the rectangle, relative to that of the image; drawn log-uniformly."""

    probability: Probability = 0.5
    """Probability that an image is changed, independent for each image."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Return the images `(b, c, h, w)`, each with a black rectangle with `probability`."""
        _, height, width = self.output_shape(tuple(images.shape[1:]))
        count = len(images)
        area, aspect = uniform(count, *self.area, rng), log_uniform(count, self.aspect, rng)
        down = span(height, (area / aspect).sqrt(), uniform(count, 0.0, 1.0, rng))
        across = span(width, (area * aspect).sqrt(), uniform(count, 0.0, 1.0, rng))
        inside = (
            down[:, None, :, None]
            & across[:, None, None, :]
            & bernoulli(count, self.probability, rng)[:, None, None, None]
        )
        return Images(images.masked_fill(inside, 0.0))

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """Return the same shape. Raise LatentclustError for vectors."""
        return image_shape("erase", shape)


def span(size: int, share: Float[Tensor, " b"], place: Float[Tensor, " b"]) -> Bool[Tensor, "b size"]:
    """Return a mask of the pixels along an axis that an interval covers.

    Args:
        size: Number of pixels along the axis.
        share: Length of the interval, as a fraction of the axis.
        place: Position of the interval, from 0 at the first pixel to 1 at the last.
    """
    length = (share.clamp(max=1) * size).round()
    start = (place * (size - length + 1)).floor().minimum(size - length)
    pixels = torch.arange(size, device=share.device)
    return (pixels >= start[:, None]) & (pixels < (start + length)[:, None])
