"""Mean and deviation of a pixel's surroundings: the simplest description of texture."""

from typing import Annotated, ClassVar

import torch
from jaxtyping import Float
from pydantic import Field, PositiveFloat, field_validator
from torch import Tensor
from torch.nn import functional

from latentclust.api import DeviceViewSpec, Images, Shape, Spec
from latentclust.bundled.views.shapes import image_shape

STATISTICS = 2
"""Mean and deviation."""


class Surroundings(Spec):
    """The options of local statistics, wherever they are taken."""

    window: Annotated[int, Field(ge=1)] = 9
    """Side of the window, pixels; odd."""

    gain: PositiveFloat = 1.0
    """What deviations are multiplied by."""

    @field_validator("window")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("must be odd, so that the window has a centre")
        return value

    def statistics(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """Every mean, then every deviation: twice the channels."""
        mean, deviation = local_statistics(images, self.window)
        return torch.cat((mean, self.gain * deviation), dim=1)


class LocalStatistics(Surroundings, DeviceViewSpec):
    """Replaces each channel by its mean and its standard deviation in a square window; the last preprocessing step.

    Beyond the border the nearest pixels repeat. Deviations are small beside means: `gain` brings both to one scale.
    """

    random: ClassVar[bool] = False

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Images `(b, c, h, w)` to `(b, 2c, h, w)`: every mean, then every deviation."""
        self.output_shape(tuple(images.shape[1:]))
        return Images(self.statistics(images))

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """Twice the channels; raises LatentclustError for vectors."""
        channels, height, width = image_shape("local-statistics", shape)
        return STATISTICS * channels, height, width


def local_statistics(
    images: Float[Tensor, "b c h w"], window: int
) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b c h w"]]:
    """The mean and the standard deviation (n in the denominator) in a square window about each pixel."""
    centred = images - images.mean(dim=(2, 3), keepdim=True)  # lest squares lose what deviations are made of
    mean, square = box_mean(centred, window), box_mean(centred.square(), window)
    deviation = (square - mean.square()).clamp_min(0).sqrt()
    return mean + images.mean(dim=(2, 3), keepdim=True), deviation


def box_mean(images: Float[Tensor, "b c h w"], window: int) -> Float[Tensor, "b c h w"]:
    """The mean in a square window about each pixel; beyond the border the nearest pixels repeat."""
    side = window // 2
    padded = functional.pad(images, (side, side, side, side), mode="replicate")
    across = functional.avg_pool2d(padded, (1, window), stride=1)
    return functional.avg_pool2d(across, (window, 1), stride=1)
