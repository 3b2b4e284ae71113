"""Random dilation and erosion of bright strokes (grey-scale morphology, Serra 1982)."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field, PositiveInt
from torch.nn import functional

from latentclust.api import DeviceViewSpec, Images, Shape
from latentclust.bundled.views.draws import Probability, bernoulli, uniform
from latentclust.bundled.views.shapes import image_shape

Weight = Annotated[float, Field(ge=0, le=1)]


class Morphology(DeviceViewSpec):
    """Makes bright shapes thicker or thinner, such as the strokes of handwriting, so that thickness forms no clusters.

    The largest value of a square window thickens (dilation), the smallest thins (erosion). Each image is mixed with one
    of the two by a weight that is drawn uniformly from `[-erosion, dilation]`; a negative weight thins.

    Example:
        ```toml
        [views.view]
        use = "morphology"
        radius = 1
        dilation = 1.0
        erosion = 0.5
        ```
    """

    random: ClassVar[bool] = True

    radius: PositiveInt = 1
    """Half width of the window in pixels; the window has `2 radius + 1` pixels on each side."""

    dilation: Weight = 1.0
    """Largest weight of the dilated image."""

    erosion: Weight = 1.0
    """Largest weight of the eroded image."""

    probability: Probability = 1.0
    """Probability that an image is changed, independent for each image."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Return the images `(b, c, h, w)`, each dilated or eroded with `probability`."""
        self.output_shape(tuple(images.shape[1:]))
        count, window = len(images), 2 * self.radius + 1
        weight = uniform(count, -self.erosion, self.dilation, rng)
        weight = torch.where(bernoulli(count, self.probability, rng), weight, 0.0)[:, None, None, None]
        sign = torch.where(weight < 0, -1.0, 1.0)  # the minimum is the maximum of the negative image
        extreme = sign * functional.max_pool2d(sign * images, window, stride=1, padding=self.radius)
        return Images(torch.lerp(images, extreme, weight.abs()))

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """Return the same shape. Raise LatentclustError for vectors."""
        return image_shape("morphology", shape)
