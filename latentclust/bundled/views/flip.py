"""Mirroring left and right: DCCS (Zhao et al. 2020), supplementary B, augmentation 2."""

from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from latentclust.api import Alignment, Images, MovingViewSpec, Shape, View
from latentclust.bundled.views.draws import Probability, chosen
from latentclust.bundled.views.shapes import image_shape


class Flip(MovingViewSpec):
    """Mirrors images left and right. DCCS uses it on every data set but MNIST, whose digits have a direction."""

    random: ClassVar[bool] = True

    probability: Probability = 0.5
    """Of each image, by itself, that it is changed."""

    def move(self, images: Images, rng: torch.Generator) -> View:
        """Mirrors each of the images `(b, c, h, w)` with `probability`."""
        self.output_shape(tuple(images.shape[1:]))
        mirrored = chosen(len(images), self.probability, rng)
        places = torch.eye(2, 3, device=rng.device).repeat(len(images), 1, 1)
        places[:, 0, 0] = torch.where(mirrored, -1.0, 1.0)
        return View(Images(flip(images, mirrored)), Alignment(places))

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """The same shape; raises LatentclustError for vectors."""
        return image_shape("flip", shape)


def flip(images: Float[Tensor, "b c h w"], mirrored: Bool[Tensor, " b"]) -> Float[Tensor, "b c h w"]:
    """Images, those of `mirrored` with their columns reversed."""
    return torch.where(mirrored[:, None, None, None], images.flip(-1), images)
