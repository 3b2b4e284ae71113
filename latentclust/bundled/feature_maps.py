"""Frozen ImageNet features of every pixel: three maps of EfficientNet-lite0 (Tan and Le 2019), upsampled."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from latentclust.api import Images
from latentclust.bundled.backbones.lite0 import ARCHITECTURE
from latentclust.bundled.backbones.pretrained import INSTALLED, timm_body
from latentclust.bundled.backbones.timm_extractor import Standardise

MAPS = (1, 2, 3)
"""Which of timm's intermediate maps: those of strides 4, 8 and 16."""

STRIDE = 16
"""The last of them, of which enlarged images' sides are multiples."""


def feature_maps(channels: int, zoom: float) -> Callable[[Images], Float[Tensor, "b d h w"]]:
    """A function from images of so many channels, enlarged `zoom` times first, to 176 values a pixel.

    Weights learnt on RGB are adapted to other channels as timm does.

    Raises:
        LatentclustError: The extra latentclust[pretrained] is not installed.
    """
    with torch.random.fork_rng(devices=()):  # whose first weights, which are thrown away, are drawn
        body: Any = timm_body(ARCHITECTURE, INSTALLED, channels).eval()
    standardise = Standardise(body, channels)

    @torch.no_grad()
    def described(images: Images) -> Float[Tensor, "b d h w"]:
        body.to(images.device)
        size = images.shape[-2:]
        enlarged_size = [STRIDE * max(1, round(side * zoom / STRIDE)) for side in size]
        enlarged = functional.interpolate(images, enlarged_size, mode="bilinear")
        read = standardise.to(images.device)(enlarged)
        maps = body.forward_intermediates(read, indices=list(MAPS), intermediates_only=True)
        return torch.cat([functional.interpolate(found, size, mode="bilinear") for found in maps], dim=1)

    return described
