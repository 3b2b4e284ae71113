import math

import pytest
import torch

from latentclust.api import HeadLogits, Mask
from latentclust.bundled.losses.dense_contrastive import DenseContrastive

LOSS = DenseContrastive(every=2, temperature=0.1)
SEEN = Mask(torch.ones(2, 6, 6, dtype=torch.bool))


@pytest.fixture
def maps() -> HeadLogits:
    return HeadLogits(torch.randn(2, 3, 16, 6, 6, generator=torch.Generator().manual_seed(0)))


def test_equal_projections_cost_the_logarithm_of_their_number(maps: HeadLogits) -> None:
    flat = HeadLogits(torch.ones_like(maps))
    assert LOSS(flat, flat, SEEN).item() == pytest.approx(math.log(2 * 3 * 3), abs=1e-5)


def test_distinct_projections_that_the_view_keeps_cost_little(maps: HeadLogits) -> None:
    distinct = torch.zeros(2, 1, 18, 6, 6)
    distinct[:, 0, :, 1::2, 1::2] = torch.eye(18).view(18, 2, 3, 3).movedim(0, 1)
    kept = HeadLogits(distinct)
    assert LOSS(kept, HeadLogits(5 * distinct), SEEN).item() == pytest.approx(17 * math.exp(-10), rel=1e-2)
    assert LOSS(kept, HeadLogits(kept.flip(0)), SEEN).item() > 10


def test_within_the_radius_any_pixel_of_the_image_is_a_partner() -> None:
    """Projections that tell images apart, not pixels, are the best for a radius of the whole image."""
    alike = HeadLogits(torch.eye(2)[:, None, :, None, None].expand(2, 1, 2, 6, 6))
    whole = DenseContrastive(every=2, temperature=0.1, radius=6.0)
    assert whole(alike, alike, SEEN).item() == pytest.approx(math.log(9), abs=1e-3)
    turned = HeadLogits(alike.flip(0))
    assert whole(alike, turned, SEEN).item() == pytest.approx(math.log(9) + 10, abs=1e-3)


def test_neither_the_order_of_the_two_nor_the_scale_matters(maps: HeadLogits) -> None:
    view = HeadLogits(maps + 0.5 * maps.flip(0))
    torch.testing.assert_close(LOSS(maps, view, SEEN), LOSS(HeadLogits(3 * view), maps, SEEN))


def test_hidden_pixels_do_not_count(maps: HeadLogits) -> None:
    view, seen = HeadLogits(maps.clone()), SEEN.clone()
    seen[1] = False
    hidden = LOSS(maps, view, Mask(seen))
    view[1] = 7.0
    torch.testing.assert_close(LOSS(maps, view, Mask(seen)), hidden)
    torch.testing.assert_close(LOSS(HeadLogits(maps[:1]), HeadLogits(maps[:1]), Mask(SEEN[:1])), hidden)
    assert LOSS(maps, view, Mask(torch.zeros_like(SEEN))).item() == 0


def test_the_loss_falls_along_its_gradient(maps: HeadLogits) -> None:
    one, other = maps.clone().requires_grad_(), HeadLogits(maps.flip(3))
    before = LOSS(HeadLogits(one), other, SEEN)
    (slope,) = torch.autograd.grad(before, one)
    assert LOSS(HeadLogits(one.detach() - 1e-2 * slope / slope.norm()), other, SEEN) < before
