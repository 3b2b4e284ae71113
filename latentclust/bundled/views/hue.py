"""Turning the hue of colours: Smith 1978, "Color gamut transform pairs" (the HSV hexcone)."""

import torch
from jaxtyping import Float
from torch import Tensor

SECTORS = 6
"""Of the hexcone: hue is measured in sectors from red, green at 2 and blue at 4."""


def adjust_hue(images: Float[Tensor, "b 3 h w"], turn: Float[Tensor, " b"]) -> Float[Tensor, "b 3 h w"]:
    """Images with their hue advanced by `turn`, in parts of the colour circle; value and saturation stay."""
    value = images.amax(dim=1, keepdim=True)
    chroma = value - images.amin(dim=1, keepdim=True)
    hue = _hue(images, value, chroma) + SECTORS * turn[:, None, None, None]
    primaries = torch.arange(0, SECTORS, 2, device=images.device)[None, :, None, None]
    # How far around the circle the hue is from each channel's primary: within one sector the channel has all the
    # chroma, beyond two none, and between in proportion.
    ahead = hue - primaries
    distance = ahead - SECTORS * (ahead / SECTORS).round()
    return value - chroma * (distance.abs() - 1).clamp(0, 1)


def _hue(
    images: Float[Tensor, "b 3 h w"], value: Float[Tensor, "b 1 h w"], chroma: Float[Tensor, "b 1 h w"]
) -> Float[Tensor, "b 1 h w"]:
    """Hue in sectors, from -1 to 5; 0 where there is no chroma."""
    red, green, blue = images[:, :1], images[:, 1:2], images[:, 2:]
    divisor = chroma.clamp(min=torch.finfo(chroma.dtype).tiny)  # without chroma the differences are 0 too
    return torch.where(
        value == red,
        (green - blue) / divisor,
        torch.where(value == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor),
    )
