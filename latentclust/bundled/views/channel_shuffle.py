"""Permuting the channels: DCCS (Zhao et al. 2020), supplementary B, augmentation 4."""

from typing import ClassVar

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from latentclust.api import DeviceViewSpec, Images, Shape
from latentclust.bundled.views.draws import Probability, chosen
from latentclust.bundled.views.shapes import image_shape


class ChannelShuffle(DeviceViewSpec):
    """Puts each image's channels in a random order, all orders alike; DCCS does so before graying."""

    random: ClassVar[bool] = True

    probability: Probability = 1.0
    """Of each image, by itself, that it is changed."""

    def apply(self, images: Images, rng: torch.Generator) -> Images:
        """Shuffles the channels of each of the images `(b, c, h, w)` with `probability`."""
        channels, _, _ = self.output_shape(tuple(images.shape[1:]))
        orders = draw_orders(len(images), channels, rng)
        shuffled = chosen(len(images), self.probability, rng)
        kept = torch.arange(channels, device=rng.device)
        return Images(reorder(images, torch.where(shuffled[:, None], orders, kept)))

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """The same shape; raises LatentclustError for vectors."""
        return image_shape("channel-shuffle", shape)


def draw_orders(count: int, channels: int, rng: torch.Generator) -> Int64[Tensor, "b c"]:
    """`count` independent permutations of the channels, uniform over all of them."""
    return torch.rand(count, channels, device=rng.device, generator=rng).argsort(dim=1)


def reorder(images: Float[Tensor, "b c h w"], orders: Int64[Tensor, "b c"]) -> Float[Tensor, "b c h w"]:
    """Images whose channel i is channel `orders[:, i]` of the given ones."""
    samples = torch.arange(len(images), device=images.device)[:, None]
    return images[samples, orders]
