"""Horizontal flip: DCCS (Zhao et al. 2020), supplementary B, augmentation 2."""

from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from latentclust.api import Alignment, Images, MovingViewSpec, Shape, View
from latentclust.bundled.views.draws import Probability, bernoulli
from latentclust.bundled.views.shapes import image_shape


class Flip(MovingViewSpec):
    """Flips images horizontally. DCCS uses it on every data set except MNIST, whose digits have a direction.

    Example:
        ```toml
        [views.view]
        use = "flip"
        probability = 0.5
        ```
    """

    random: ClassVar[bool] = True

    probability: Probability = 0.5
    """Probability that an image is changed, independent for each image."""

    def move(self, images: Images, rng: torch.Generator) -> View:
        """Return the images `(b, c, h, w)`, each flipped with `probability`, and their alignment."""
        self.output_shape(tuple(images.shape[1:]))
        flipped = bernoulli(len(images), self.probability, rng)
        alignment = torch.eye(2, 3, device=rng.device).repeat(len(images), 1, 1)
        alignment[:, 0, 0] = torch.where(flipped, -1.0, 1.0)
        return View(Images(flip(images, flipped)), Alignment(alignment))

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """Return the same shape. Raise LatentclustError for vectors."""
        return image_shape("flip", shape)


def flip(images: Float[Tensor, "b c h w"], flipped: Bool[Tensor, " b"]) -> Float[Tensor, "b c h w"]:
    """Return the images, with the columns reversed where `flipped` is true."""
    return torch.where(flipped[:, None, None, None], images.flip(-1), images)
