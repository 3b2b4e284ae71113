"""Permutation of the channels: DCCS (Zhao et al. 2020), supplementary B, augmentation 4."""

from typing import ClassVar

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from latentclust.api import DeviceViewSpec, Images, Shape
from latentclust.bundled.views.draws import Probability, bernoulli
from latentclust.bundled.views.shapes import image_shape


class ChannelShuffle(DeviceViewSpec):
    """Permutes the channels of each image in a uniformly random order. DCCS applies it in front of grayscale.

    Example:
        ```toml
        [views.view]
        steps = [{ use = "flip" }, { use = "channel-shuffle", probability = 0.5 }]
        ```
    """

    random: ClassVar[bool] = True

    probability: Probability = 1.0
    """Probability that an image is changed, independent for each image."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Return the images `(b, c, h, w)`, with the channels of each shuffled with `probability`."""
        channels, _, _ = self.output_shape(tuple(images.shape[1:]))
        orders = draw_orders(len(images), channels, rng)
        changed = bernoulli(len(images), self.probability, rng)
        original = torch.arange(channels, device=rng.device)
        return Images(reorder(images, torch.where(changed[:, None], orders, original)))

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """Return the same shape. Raise LatentclustError for vectors."""
        return image_shape("channel-shuffle", shape)


def draw_orders(count: int, channels: int, rng: torch.Generator) -> Int64[Tensor, "b c"]:
    """Draw `count` independent permutations of the channels, uniformly."""
    return torch.rand(count, channels, device=rng.device, generator=rng).argsort(dim=1)


def reorder(images: Float[Tensor, "b c h w"], orders: Int64[Tensor, "b c"]) -> Float[Tensor, "b c h w"]:
    """Return images whose channel i is channel `orders[:, i]` of the given images."""
    samples = torch.arange(len(images), device=images.device)[:, None]
    return images[samples, orders]
