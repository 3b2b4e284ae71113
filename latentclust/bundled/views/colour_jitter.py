"""Colour jitter: DCCS (Zhao et al. 2020), supplementary B, augmentation 3."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from jaxtyping import Float
from pydantic import Field, NonNegativeFloat
from torch import Tensor

from latentclust.api import DeviceViewSpec, Images, Shape
from latentclust.bundled.views.draws import Probability, bernoulli, uniform
from latentclust.bundled.views.grayscale import luma
from latentclust.bundled.views.shapes import RGB_CHANNELS, image_shape

SECTORS = 6
"""Number of sectors of the HSV hexcone. Hue is measured in sectors: red is 0, green 2 and blue 4."""


class ColourJitter(DeviceViewSpec):
    """Changes brightness, contrast, saturation and hue, in this order, as torchvision defines them.

    Images of fewer than three channels have neither saturation nor hue. In images of more channels (infrared after red,
    green and blue), brightness and contrast change all channels, saturation and hue the first three. Values stay in
    [0, 1].

    Example:
        ```toml
        [views.view]
        use = "colour-jitter"
        brightness = 0.2
        contrast = 0.2
        saturation = 0.2
        hue = 0.05
        ```
    """

    random: ClassVar[bool] = True

    brightness: NonNegativeFloat = 0.4
    """Half width x of the range [1 - x, 1 + x] of the brightness factor, which is at least 0."""

    contrast: NonNegativeFloat = 0.4
    """Half width of the range of the contrast factor, applied to the distance from the mean grey level of the image."""

    saturation: NonNegativeFloat = 0.4
    """Half width of the range of the saturation factor, applied to the distance from the grey level of the pixel."""

    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.125
    """Largest change of the hue in either direction, as a fraction of the colour circle.

    DCCS scales the hue by [0.875, 1.125]. Hue is an angle and has no scale, so the default is ±0.125 turns.
    """

    probability: Probability = 1.0
    """Probability that an image is changed, independent for each image."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Return the images `(b, c, h, w)`, with the colours of each changed with `probability`."""
        self.output_shape(tuple(images.shape[1:]))
        return Images(jitter(images, self.draw(len(images), rng)))

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """Return the same shape. Raise LatentclustError for vectors."""
        return image_shape("colour-jitter", shape)

    def draw(self, count: int, rng: torch.Generator) -> "JitterFactors":
        """Draw `count` independent changes. With probability 1 - `probability` a change is the identity."""
        changed = bernoulli(count, self.probability, rng)
        brightness, contrast, saturation = (
            torch.where(changed, uniform(count, max(0.0, 1 - spread), 1 + spread, rng), 1.0)
            for spread in (self.brightness, self.contrast, self.saturation)
        )
        turn = torch.where(changed, uniform(count, -self.hue, self.hue, rng), 0.0)
        return JitterFactors(brightness, contrast, saturation, turn)


@dataclass(frozen=True, slots=True)
class JitterFactors:
    """Factors of brightness, contrast and saturation, and turns of the hue, one per sample. 1 and 0 change nothing."""

    brightness: Float[Tensor, " b"]
    contrast: Float[Tensor, " b"]
    saturation: Float[Tensor, " b"]
    hue: Float[Tensor, " b"]


def jitter(images: Float[Tensor, "b c h w"], factors: JitterFactors) -> Float[Tensor, "b c h w"]:
    """Return images with brightness, contrast, saturation and hue changed, in this order."""
    images = adjust_contrast(adjust_brightness(images, factors.brightness), factors.contrast)
    if images.shape[1] < RGB_CHANNELS:
        return images
    rgb = adjust_hue(adjust_saturation(images[:, :RGB_CHANNELS], factors.saturation), factors.hue)
    return torch.cat((rgb, images[:, RGB_CHANNELS:]), dim=1)


def adjust_brightness(images: Float[Tensor, "b c h w"], factor: Float[Tensor, " b"]) -> Float[Tensor, "b c h w"]:
    """Return each image multiplied by a factor. 0 yields black."""
    return (images * factor[:, None, None, None]).clamp(0, 1)


def adjust_contrast(images: Float[Tensor, "b c h w"], factor: Float[Tensor, " b"]) -> Float[Tensor, "b c h w"]:
    """Return each image scaled about its mean grey level. 0 yields that mean everywhere."""
    mean = luma(images).mean(dim=(1, 2, 3), keepdim=True)
    return torch.lerp(mean, images, factor[:, None, None, None]).clamp(0, 1)


def adjust_saturation(images: Float[Tensor, "b 3 h w"], factor: Float[Tensor, " b"]) -> Float[Tensor, "b 3 h w"]:
    """Return each image scaled about the grey level of each pixel. 0 yields grey."""
    return torch.lerp(luma(images), images, factor[:, None, None, None]).clamp(0, 1)


def adjust_hue(images: Float[Tensor, "b 3 h w"], turn: Float[Tensor, " b"]) -> Float[Tensor, "b 3 h w"]:
    """Return images with the hue advanced by `turn`, a fraction of the colour circle (the HSV hexcone of Smith 1978).

    Value and saturation are unchanged.
    """
    value = images.amax(dim=1, keepdim=True)
    chroma = value - images.amin(dim=1, keepdim=True)
    hue = _hue(images, value, chroma) + SECTORS * turn[:, None, None, None]
    primaries = torch.arange(0, SECTORS, 2, device=images.device)[None, :, None, None]
    # A channel has the full chroma if its primary is within one sector of the hue, none beyond two, and is linear in
    # between.
    ahead = hue - primaries
    distance = ahead - SECTORS * (ahead / SECTORS).round()
    return value - chroma * (distance.abs() - 1).clamp(0, 1)


def _hue(
    images: Float[Tensor, "b 3 h w"], value: Float[Tensor, "b 1 h w"], chroma: Float[Tensor, "b 1 h w"]
) -> Float[Tensor, "b 1 h w"]:
    """Return the hue in sectors, from -1 to 5. It is 0 for grey."""
    red, green, blue = images[:, :1], images[:, 1:2], images[:, 2:]
    divisor = chroma.clamp(min=torch.finfo(chroma.dtype).tiny)  # The differences of grey pixels are 0 too.
    return torch.where(
        value == red,
        (green - blue) / divisor,
        torch.where(value == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor),
    )
