"""Random resized crop: DCCS (Zhao et al. 2020), supplementary B, augmentation 1."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from jaxtyping import Bool, Float
from pydantic import AfterValidator, Field
from torch import Tensor
from torch.nn import functional

from latentclust.api import Alignment, Images, MovingViewSpec, Shape, View
from latentclust.bundled.views.draws import FactorRange, Probability, ascending, bernoulli, uniform
from latentclust.bundled.views.shapes import image_shape

HALF_PIXEL = 0.5
"""Distance from the edge of a pixel, an integer coordinate, to its centre."""

AreaShare = Annotated[float, Field(gt=0, le=1)]


class ResizedCrop(MovingViewSpec):
    """Crops a rectangle of random area and aspect and resizes it bilinearly to the size of the image.

    Example:
        ```toml
        [views.view]
        use = "resized-crop"
        scale = [0.4, 1.0]
        ratio = [0.75, 1.333]
        ```
    """

    random: ClassVar[bool] = True

    scale: Annotated[tuple[AreaShare, AreaShare], AfterValidator(ascending)] = (0.4, 1.0)
    """Range of the area of the crop as a fraction of the area of the image, drawn uniformly."""

    ratio: FactorRange = (3 / 4, 4 / 3)
    """Range of the ratio of width to height of the crop, drawn log-uniformly so that no orientation is preferred."""

    probability: Probability = 1.0
    """Probability that an image is changed, independent for each image."""

    def move(self, images: Images, rng: torch.Generator) -> View:
        """Return the images `(b, c, h, w)`, each cropped with `probability`, and their alignment."""
        _, height, width = self.output_shape(tuple(images.shape[1:]))
        boxes = draw_boxes(len(images), (height, width), self.scale, self.ratio, rng)
        cropped = bernoulli(len(images), self.probability, rng)
        boxes = boxes_or_whole_images(cropped, boxes, (height, width))
        return View(Images(crop(images, boxes)), alignment_of_boxes(boxes, (height, width)))

    def output_shape(self, shape: Shape) -> tuple[int, int, int]:
        """Return the same shape. Raise LatentclustError for vectors."""
        return image_shape("resized-crop", shape)


@dataclass(frozen=True, slots=True)
class CropBoxes:
    """Rectangles in pixels, one per sample. Positions need not be integers.

    Attributes:
        left: Position of the left edge.
        top: Position of the upper edge.
        width: Width.
        height: Height.
    """

    left: Float[Tensor, " b"]
    top: Float[Tensor, " b"]
    width: Float[Tensor, " b"]
    height: Float[Tensor, " b"]


def draw_boxes(
    count: int, size: tuple[int, int], scale: tuple[float, float], ratio: tuple[float, float], rng: torch.Generator
) -> CropBoxes:
    """Draw `count` rectangles inside images of `size` (height, width).

    The area is drawn first, then the aspect among those at which a crop of that area fits. Hence the distribution of
    the area is exact without rejection sampling, which a batch on a device does not allow. The aspect lies outside
    `ratio` only if no crop of that area fits within `ratio`, as in long images.
    """
    height, width = size
    area = uniform(count, *scale, rng)
    lowest, highest = area * width / height, width / (area * height)
    low, high = (torch.full_like(area, bound).clamp(lowest, highest).log() for bound in ratio)
    aspect = torch.lerp(low, high, uniform(count, 0.0, 1.0, rng)).exp()
    crop_width, crop_height = (area * aspect * height * width).sqrt(), (area / aspect * height * width).sqrt()
    left = uniform(count, 0.0, 1.0, rng) * (width - crop_width)
    top = uniform(count, 0.0, 1.0, rng) * (height - crop_height)
    return CropBoxes(left, top, crop_width, crop_height)


def boxes_or_whole_images(cropped: Bool[Tensor, " b"], boxes: CropBoxes, size: tuple[int, int]) -> CropBoxes:
    """Return the boxes of the `cropped` samples, and the whole image of `size` (height, width) for the others."""
    height, width = size
    return CropBoxes(
        left=torch.where(cropped, boxes.left, 0.0),
        top=torch.where(cropped, boxes.top, 0.0),
        width=torch.where(cropped, boxes.width, width),
        height=torch.where(cropped, boxes.height, height),
    )


def alignment_of_boxes(boxes: CropBoxes, size: tuple[int, int]) -> Alignment:
    """Return the affine maps from resized boxes to images of `size` (height, width)."""
    height, width = size
    zero = torch.zeros_like(boxes.left)
    across = (boxes.width / width, zero, (2 * boxes.left + boxes.width) / width - 1)
    down = (zero, boxes.height / height, (2 * boxes.top + boxes.height) / height - 1)
    return Alignment(torch.stack([torch.stack(row, dim=1) for row in (across, down)], dim=1))


def crop(images: Float[Tensor, "b c h w"], boxes: CropBoxes) -> Float[Tensor, "b c h w"]:
    """Return the contents of the boxes, resized bilinearly to the size of the images, from pixels inside the boxes."""
    count, _, height, width = images.shape
    across = _positions(boxes.left, boxes.width, width)[:, None, :].expand(count, height, width)
    down = _positions(boxes.top, boxes.height, height)[:, :, None].expand(count, height, width)
    grid = torch.stack((across, down), dim=-1)  # (b, h, w, 2)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _positions(start: Float[Tensor, " b"], extent: Float[Tensor, " b"], count: int) -> Float[Tensor, "b n"]:
    """Return the source positions of `count` pixels along one axis, in the [-1, 1] units of `grid_sample`."""
    steps = (torch.arange(count, device=start.device, dtype=start.dtype) + HALF_PIXEL) / count
    pixels = start[:, None] + extent[:, None] * steps
    inside = pixels.clamp((start + HALF_PIXEL)[:, None], (start + extent - HALF_PIXEL)[:, None])
    return 2 * inside / count - 1
