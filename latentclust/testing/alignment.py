"""Whether a view moves pixels as it says: a pixel of its input is changed, and the change sought in what it makes."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import affine_grid

from latentclust.tensors import Images, Shape, View

SEEDS = range(4, 12)
BATCH = 8

PLACES = ((0.15, 0.4), (0.55, 0.15), (0.4, 0.3))
"""Rows and columns of the changed pixels, as shares: mirrored, turned or transposed they would lie elsewhere."""

LOW, HIGH = 0.35, 0.65
"""Of all values: far enough from 0 and 1 that other colours seldom clamp the change away."""

NEAR = 1.5
"""Pixels by which a change may be off, beyond its own width: a filter may answer beside the pixel that changed."""

ApplyView = Callable[[Images, torch.Generator], View]


def displacement(see: ApplyView, shape: Shape) -> float:
    """How far from its place a changed pixel is seen, in pixels of the input; 0 where it is always seen there.

    What changes everywhere, as where an image is normalised by its own statistics, does not count, nor does a pixel
    that is cropped or erased. A change that is spread, by a filter or a network, may be as far off as it is wide.

    Args:
        see: The view: images `(b, c, h, w)` and where their places come from, by the generator's draws.
        shape: Of an image that it takes.
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
    inside = weights * (sources.abs() <= 1).all(dim=-1)  # what lies outside may be padding that mirrors the image
    offsets = (sources + 1) / 2 * torch.tensor([width, height]) - torch.tensor([column + 0.5, row + 0.5])
    return _beyond_its_width(inside if inside.any() else weights, offsets)


def _change(before: Tensor, after: Tensor) -> Tensor:
    """How strongly each place of images `(b, c, h, w)` answers `(b, h, w)`, less what all places do."""
    change = (after - before).abs().sum(dim=1)
    everywhere = change.flatten(1).median(dim=1).values
    return (change - everywhere[:, None, None]).clamp(min=0).square()


def _beyond_its_width(weights: Tensor, offsets: Tensor) -> float:
    """The largest distance `(b, h, w, 2)` from the place to the centre of the weights that their width does not excuse.

    The width is their standard deviation about the centre; images without weights do not count.
    """
    seen = weights.flatten(1).sum(dim=1) > 0
    shares = (weights[seen] / weights[seen].sum(dim=(1, 2), keepdim=True))[..., None]
    offsets = offsets[seen]
    centres = (shares * offsets).sum(dim=(1, 2))
    squares = (offsets - centres[:, None, None]).square().sum(dim=-1, keepdim=True)
    widths, distances = (shares * squares).sum(dim=(1, 2, 3)).sqrt(), centres.norm(dim=1)
    return float(torch.where(distances <= widths + NEAR, 0, distances).amax()) if seen.any() else 0.0
