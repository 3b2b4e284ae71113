"""Mean and standard deviation in a window about each pixel, the simplest description of texture."""

from typing import Annotated, ClassVar

import torch
from jaxtyping import Float
from pydantic import AfterValidator, Field, NonNegativeFloat
from torch import Tensor
from torch.nn import functional

from latentclust.api import DeviceViewSpec, Images, Shape, Spec
from latentclust.bundled.views.shapes import image_shape

STATISTICS = 2
"""Number of statistics per channel: mean and standard deviation."""


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("must be odd, so that the window has a centre")
    return value


Window = Annotated[int, Field(ge=1), AfterValidator(_odd)]
"""Side of a square about a pixel, in pixels."""


class LocalStatisticsOptions(Spec):
    """The options of local statistics, common to the view and the baseline."""

    window: Window = 9
    """Window size in pixels. It must be odd."""

    gain: NonNegativeFloat = 1.0
    """Factor of the standard deviations. 0 omits them."""

    def statistics(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """Return the means of all channels, followed by the standard deviations times `gain`, if it is not 0."""
        mean, deviation = local_statistics(images, self.window)
        return torch.cat((mean, self.gain * deviation), dim=1) if self.gain else mean


class LocalStatistics(LocalStatisticsOptions, DeviceViewSpec):
    """Replaces each channel by its mean and standard deviation in a square window.

    Of the steps after it, only `logarithm` and fitted ones accept such channels. Border pixels are repeated outside the
    image. Standard deviations are small compared with means; `gain` brings both to the same scale.

    Example:
        ```toml
        [data]
        use = "dubai"
        preprocess = [{ use = "local-statistics", window = 9, gain = 3.0 }]
        ```
    """

    random: ClassVar[bool] = False

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Return the means of the images `(b, c, h, w)`, followed by the standard deviations, `(b, 2c, h, w)`.

        With a gain of 0 the means alone are returned, `(b, c, h, w)`.
        """
        self.output_shape(tuple(images.shape[1:]))
        return Images(self.statistics(images))

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """Return the shape with the channels of all statistics. Raise LatentclustError for vectors."""
        channels, height, width = image_shape("local-statistics", shape)
        return (STATISTICS if self.gain else 1) * channels, height, width


def local_statistics(
    images: Float[Tensor, "b c h w"], window: int
) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b c h w"]]:
    """Return the mean and the standard deviation (divisor n) in a square window about each pixel."""
    # Squares lose precision in float32, and subtracting the mean of the image would let every pixel depend on all.
    precise = images.double()
    mean, square = box_mean(precise, window), box_mean(precise.square(), window)
    deviation = (square - mean.square()).clamp_min(0).sqrt()
    return mean.to(images.dtype), deviation.to(images.dtype)


def box_mean(images: Float[Tensor, "b c h w"], window: int) -> Float[Tensor, "b c h w"]:
    """Return the mean in a square window about each pixel. Border pixels are repeated outside the image."""
    side = window // 2
    padded = functional.pad(images, (side, side, side, side), mode="replicate")
    if torch.compiler.is_compiling():  # a recorded graph: onnxruntime has no pooling of float64
        return _sliding_mean(_sliding_mean(padded, window, 3), window, 2)
    across = functional.avg_pool2d(padded, (1, window), stride=1)
    return functional.avg_pool2d(across, (window, 1), stride=1)


def _sliding_mean(values: Float[Tensor, "b c y x"], window: int, axis: int) -> Tensor:
    """Return the means of `window` successive values of an axis, as a sum of slices."""
    length = values.shape[axis] - window + 1
    total = values.narrow(axis, 0, length)
    for at in range(1, window):
        total = total + values.narrow(axis, at, length)
    return total / window
