"""Measurement of the alignment of a view: one input pixel is changed, and the change is located in the output."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import affine_grid

from latentclust.tensors import Images, Shape, View

SEEDS = range(4, 12)
BATCH = 8

PLACES = ((0.15, 0.4), (0.55, 0.15), (0.4, 0.3))
"""Rows and columns of the changed pixels, as shares of height and width. Mirroring or transposing moves them."""

LOW, HIGH = 0.35, 0.65
"""Range of all values. It keeps a distance from 0 and 1, so that colour changes seldom clamp the difference away."""

NEAR = 1.5
"""Tolerance in pixels in addition to the width of the change, because a filter may respond next to the pixel."""

ApplyView = Callable[[Images, torch.Generator], View]


def displacement(see: ApplyView, shape: Shape) -> float:
    """Return the distance in input pixels between a changed pixel and its expected position, or 0 if they agree.

    A change of the whole image, for example by normalisation with its own statistics, is ignored, and so is a pixel
    that is cropped or erased. A change that a filter or network spreads may be as far off as it is wide.

    Args:
        see: View of images `(b, c, h, w)` with its alignment, drawn from the generator.
        shape: Shape of an image that the view accepts.
    """
    return max(_displacement(see, shape, place, seed) for place in PLACES for seed in SEEDS)


def _displacement(see: ApplyView, shape: Shape, place: tuple[float, float], seed: int) -> float:
    _, height, width = shape
    row, column = int(place[0] * height), int(place[1] * width)
    images = LOW + (HIGH - LOW) * torch.rand(BATCH, *shape, generator=torch.Generator().manual_seed(seed))
    changed = images.clone()
    changed[..., row, column] = torch.where(images[..., row, column] > (LOW + HIGH) / 2, LOW, HIGH)
    before = see(Images(images), torch.Generator().manual_seed(seed))
    after = see(Images(changed), torch.Generator().manual_seed(seed))
    weights = _change(before.images, after.images)
    sources = affine_grid(before.alignment, [BATCH, 1, *weights.shape[1:]], align_corners=False)  # (b, h', w', 2)
    inside = weights * (sources.abs() <= 1).all(dim=-1)  # pixels outside the image may be padding that mirrors it
    offsets = (sources + 1) / 2 * torch.tensor([width, height]) - torch.tensor([column + 0.5, row + 0.5])
    return _beyond_its_width(inside if inside.any() else weights, offsets)


def _change(before: Tensor, after: Tensor) -> Tensor:
    """Return the change of each pixel of images `(b, c, h, w)` as `(b, h, w)`, minus the median change."""
    change = (after - before).abs().sum(dim=1)
    everywhere = change.flatten(1).median(dim=1).values
    return (change - everywhere[:, None, None]).clamp(min=0).square()


def _beyond_its_width(weights: Tensor, offsets: Tensor) -> float:
    """Return the largest distance to the centre of the weights that exceeds their width.

    The width is the standard deviation about the centre. Images without weights are ignored.

    Args:
        weights: Change of each pixel `(b, h, w)`.
        offsets: Offset of each pixel from the expected position `(b, h, w, 2)`.
    """
    seen = weights.flatten(1).sum(dim=1) > 0
    shares = (weights[seen] / weights[seen].sum(dim=(1, 2), keepdim=True))[..., None]
    offsets = offsets[seen]
    centres = (shares * offsets).sum(dim=(1, 2))
    squares = (offsets - centres[:, None, None]).square().sum(dim=-1, keepdim=True)
    widths, distances = (shares * squares).sum(dim=(1, 2, 3)).sqrt(), centres.norm(dim=1)
    return float(torch.where(distances <= widths + NEAR, 0, distances).amax()) if seen.any() else 0.0
