"""Colour jitter: DCCS (Zhao et al. 2020), supplementary B, augmentation 3."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from jaxtyping import Float
from pydantic import Field, NonNegativeFloat
from torch import Tensor

from latentclust.api import DeviceViewSpec, Images, Shape
from latentclust.bundled.views.draws import Probability, chosen, uniform
from latentclust.bundled.views.grayscale import luma
from latentclust.bundled.views.hue import adjust_hue
from latentclust.bundled.views.shapes import RGB_CHANNELS, image_shape


class ColourJitter(DeviceViewSpec):
    """Scales brightness, contrast and saturation and turns the hue, in this order, as torchvision defines them.

    Images of fewer than three channels have neither saturation nor hue. Of more than three (infrared after red, green
    and blue), brightness and contrast change in all, saturation and hue in the first three. Values stay in [0, 1].
    """

    random: ClassVar[bool] = True

    brightness: NonNegativeFloat = 0.4
    """x draws a factor from [1 - x, 1 + x], never below 0."""

    contrast: NonNegativeFloat = 0.4
    """Likewise, of the distance from the image's mean."""

    saturation: NonNegativeFloat = 0.4
    """Likewise, of the distance from grey."""

    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.125
    """Turns either way, in parts of the colour circle.

    DCCS says that it scales hue with [0.875, 1.125]; hue is an angle, which has no scale, so this reads ±0.125 turns.
    """

    probability: Probability = 1.0
    """Of each image, by itself, that it is changed."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Jitters the colours of each of the images `(b, c, h, w)` with `probability`."""
        self.output_shape(tuple(images.shape[1:]))
        return Images(jitter(images, self.draw(len(images), rng)))

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """The same shape; raises LatentclustError for vectors."""
        return image_shape("colour-jitter", shape)

    def draw(self, count: int, rng: torch.Generator) -> "JitterFactors":
        """`count` independent changes; with 1 - `probability` a sample draws one that changes nothing."""
        jittered = chosen(count, self.probability, rng)
        brightness, contrast, saturation = (
            torch.where(jittered, uniform(count, max(0.0, 1 - spread), 1 + spread, rng), 1.0)
            for spread in (self.brightness, self.contrast, self.saturation)
        )
        turn = torch.where(jittered, uniform(count, -self.hue, self.hue, rng), 0.0)
        return JitterFactors(brightness, contrast, saturation, turn)


@dataclass(frozen=True, slots=True)
class JitterFactors:
    """Factors of brightness, contrast and saturation, where 1 changes nothing, and turns of the hue; one a sample."""

    brightness: Float[Tensor, " b"]
    contrast: Float[Tensor, " b"]
    saturation: Float[Tensor, " b"]
    hue: Float[Tensor, " b"]


def jitter(images: Float[Tensor, "b c h w"], colours: JitterFactors) -> Float[Tensor, "b c h w"]:
    """Images with brightness, contrast, saturation and hue changed in this order."""
    images = adjust_contrast(adjust_brightness(images, colours.brightness), colours.contrast)
    if images.shape[1] < RGB_CHANNELS:
        return images
    rgb = adjust_hue(adjust_saturation(images[:, :RGB_CHANNELS], colours.saturation), colours.hue)
    return torch.cat((rgb, images[:, RGB_CHANNELS:]), dim=1)


def adjust_brightness(images: Float[Tensor, "b c h w"], factor: Float[Tensor, " b"]) -> Float[Tensor, "b c h w"]:
    """Images times a factor each; 0 is black."""
    return (images * factor[:, None, None, None]).clamp(0, 1)


def adjust_contrast(images: Float[Tensor, "b c h w"], factor: Float[Tensor, " b"]) -> Float[Tensor, "b c h w"]:
    """Images scaled about the mean of their grey level; at 0 that mean is everywhere."""
    mean = luma(images).mean(dim=(1, 2, 3), keepdim=True)
    return torch.lerp(mean, images, factor[:, None, None, None]).clamp(0, 1)


def adjust_saturation(images: Float[Tensor, "b 3 h w"], factor: Float[Tensor, " b"]) -> Float[Tensor, "b 3 h w"]:
    """Images scaled about their grey level at each pixel; at 0 they are grey."""
    return torch.lerp(luma(images), images, factor[:, None, None, None]).clamp(0, 1)
