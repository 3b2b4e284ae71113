"""Random cropping: DCCS (Zhao et al. 2020), supplementary B, augmentation 1."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from jaxtyping import Bool, Float
from pydantic import AfterValidator, Field
from torch import Tensor
from torch.nn import functional

from latentclust.api import Alignment, Images, MovingViewSpec, Shape, View
from latentclust.bundled.views.draws import FactorRange, Probability, ascending, chosen, uniform
from latentclust.bundled.views.shapes import image_shape

HALF_PIXEL = 0.5
"""From a pixel's edge, where integers lie, to its centre, where its value does."""

AreaShare = Annotated[float, Field(gt=0, le=1)]


class ResizedCrop(MovingViewSpec):
    """Crops a rectangle of random area and aspect and resizes it, bilinearly, to the image's size."""

    random: ClassVar[bool] = True

    scale: Annotated[tuple[AreaShare, AreaShare], AfterValidator(ascending)] = (0.4, 1.0)
    """Share of the image's area; uniform."""

    ratio: FactorRange = (3 / 4, 4 / 3)
    """Width over height of the crop; log-uniform, so that no orientation is preferred."""

    probability: Probability = 1.0
    """Of each image, by itself, that it is changed."""

    def move(self, images: Images, rng: torch.Generator) -> View:
        """Crops each of the images `(b, c, h, w)` with `probability`."""
        _, height, width = self.output_shape(tuple(images.shape[1:]))
        boxes = draw_boxes(len(images), (height, width), self.scale, self.ratio, rng)
        cropped = chosen(len(images), self.probability, rng)
        taken = whole_unless(cropped, boxes, (height, width))
        return View(Images(crop(images, taken)), places(taken, (height, width)))

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """The same shape; raises LatentclustError for vectors."""
        return image_shape("resized-crop", shape)


@dataclass(frozen=True, slots=True)
class Boxes:
    """Rectangles in pixels, one a sample, at any position between pixels too."""

    left: Float[Tensor, " b"]
    top: Float[Tensor, " b"]
    width: Float[Tensor, " b"]
    height: Float[Tensor, " b"]


def draw_boxes(
    count: int, size: tuple[int, int], scale: tuple[float, float], ratio: tuple[float, float], rng: torch.Generator
) -> Boxes:
    """`count` rectangles inside images of `size` (height, width).

    The area is drawn first; the aspect is drawn among those at which a crop of that area fits. So the area keeps its
    distribution, without the rejections that a batch on a device cannot make. The aspect leaves `ratio` only where no
    crop of that area and aspect fits, as in long images.
    """
    height, width = size
    area = uniform(count, *scale, rng)
    lowest, highest = area * width / height, width / (area * height)
    low, high = (torch.full_like(area, bound).clamp(lowest, highest).log() for bound in ratio)
    aspect = torch.lerp(low, high, uniform(count, 0.0, 1.0, rng)).exp()
    crop_width, crop_height = (area * aspect * height * width).sqrt(), (area / aspect * height * width).sqrt()
    left = uniform(count, 0.0, 1.0, rng) * (width - crop_width)
    top = uniform(count, 0.0, 1.0, rng) * (height - crop_height)
    return Boxes(left, top, crop_width, crop_height)


def whole_unless(cropped: Bool[Tensor, " b"], boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """The boxes of the samples to be `cropped`, and the whole image of `size` (height, width) for the others."""
    height, width = size
    return Boxes(
        left=torch.where(cropped, boxes.left, 0.0),
        top=torch.where(cropped, boxes.top, 0.0),
        width=torch.where(cropped, boxes.width, width),
        height=torch.where(cropped, boxes.height, height),
    )


def places(boxes: Boxes, size: tuple[int, int]) -> Alignment:
    """Where each place of a resized box of an image of `size` (height, width) came from."""
    height, width = size
    zero = torch.zeros_like(boxes.left)
    across = (boxes.width / width, zero, (2 * boxes.left + boxes.width) / width - 1)
    down = (zero, boxes.height / height, (2 * boxes.top + boxes.height) / height - 1)
    return Alignment(torch.stack([torch.stack(row, dim=1) for row in (across, down)], dim=1))


def crop(images: Float[Tensor, "b c h w"], boxes: Boxes) -> Float[Tensor, "b c h w"]:
    """What lies in the boxes, resized bilinearly to the images' size; no pixel outside a box is read."""
    count, _, height, width = images.shape
    across = _positions(boxes.left, boxes.width, width)[:, None, :].expand(count, height, width)
    down = _positions(boxes.top, boxes.height, height)[:, :, None].expand(count, height, width)
    grid = torch.stack((across, down), dim=-1)  # (b, h, w, 2)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _positions(start: Float[Tensor, " b"], extent: Float[Tensor, " b"], count: int) -> Float[Tensor, "b n"]:
    """Where `count` resized pixels read along one axis, in the coordinates of `grid_sample`: the image is [-1, 1]."""
    steps = (torch.arange(count, device=start.device, dtype=start.dtype) + HALF_PIXEL) / count
    pixels = start[:, None] + extent[:, None] * steps
    inside = pixels.clamp((start + HALF_PIXEL)[:, None], (start + extent - HALF_PIXEL)[:, None])
    return 2 * inside / count - 1
