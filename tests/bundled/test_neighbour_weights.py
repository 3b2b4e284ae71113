"""Weights of pairs of neighbours: closed forms, limits and invariances."""

import pytest
import torch
from torch import Tensor

from latentclust.bundled.categorical_map import mean_field, neighbours
from latentclust.bundled.neighbour_weights import contrast_precision, weights_of

ALL = torch.ones(1, 6, 7, dtype=torch.bool)


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def field(rng: torch.Generator) -> Tensor:
    """Log densities of three clusters."""
    return torch.randn(1, 3, 6, 7, generator=rng)


def step() -> Tensor:
    """Two channels that are flat but for a step between columns 2 and 3, of 1 and of 10."""
    return torch.stack(((torch.arange(7) > 2) * 1.0, (torch.arange(7) > 2) * 10.0))[None, :, None].expand(1, 2, 6, 7)


def test_flat_images_are_coupled_as_without_contrast(field: Tensor) -> None:
    flat = torch.full((1, 2, 6, 7), 3.0)
    weights = weights_of(flat, torch.ones(2), 1.0, ALL)
    assert weights is not None
    assert torch.equal(weights.agreeing(field), neighbours(field))
    assert torch.equal(mean_field(field, 1.5, 4, weights), mean_field(field, 1.5, 4))
    assert weights_of(flat, torch.ones(2), 0.0, ALL) is weights_of(None, None, 0.0, None) is None


def test_the_mean_squared_difference_has_the_weight_of_grabcut() -> None:
    """Of 77 - 6 pairs that are equal and 6 pairs that differ; either channel contributes half."""
    images = step()
    precision = contrast_precision([(images, ALL)])
    pairs = 5 * 7 + 6 * 6
    torch.testing.assert_close(precision, torch.tensor([1.0, 0.01]) * pairs / 6 / 2)
    weights = weights_of(images, precision, 2.0, None)
    assert weights is not None
    assert (weights.down == 1).all()
    torch.testing.assert_close(weights.right[0, 0, :, 2], torch.full((6,), pairs / 6).neg().exp())
    mean = -2 / 2.0 * torch.cat((weights.down.flatten(), weights.right.flatten())).log().mean()
    torch.testing.assert_close(mean, torch.tensor(1.0))


def test_precision_is_that_of_all_batches_and_of_pairs_of_valid_pixels(rng: torch.Generator) -> None:
    images = torch.randn(4, 2, 5, 5, generator=rng)
    valid = torch.rand(4, 5, 5, generator=rng) > 0.3
    spoilt = torch.where(valid[:, None], images, 900.0)
    split = contrast_precision(zip(spoilt.split(3), valid.split(3), strict=True))
    torch.testing.assert_close(split, contrast_precision([(images, valid)]))
    scaled = contrast_precision([(images * torch.tensor([2.0, 0.5]).view(-1, 1, 1) + 7, valid)])
    torch.testing.assert_close(scaled, split * torch.tensor([0.25, 4.0]))


def test_a_constant_channel_has_no_weight() -> None:
    images = torch.cat((step(), torch.full((1, 1, 6, 7), 5.0)), dim=1)
    precision = contrast_precision([(images, ALL)])
    torch.testing.assert_close(precision[:2], contrast_precision([(step(), ALL)]))
    assert precision[2] == 0
    assert torch.equal(contrast_precision([(images[:, 2:], ALL)]), torch.zeros(1))
    assert torch.equal(contrast_precision([(images, ~ALL)]), torch.zeros(3))


def test_an_edge_of_large_contrast_separates_the_halves(field: Tensor) -> None:
    weights = weights_of(100 * step(), torch.ones(2), 1.0, None)
    found = mean_field(field, 2.0, 5, weights)
    for half in (slice(None, 3), slice(3, None)):
        torch.testing.assert_close(found[..., half], mean_field(field[..., half], 2.0, 5))


def test_pixels_that_are_not_valid_are_outside_the_image(field: Tensor) -> None:
    valid = ALL.clone()
    valid[..., 4:] = False
    found = mean_field(field, 2.0, 5, weights_of(None, None, 0.0, valid))
    torch.testing.assert_close(found[..., :4], mean_field(field[..., :4], 2.0, 5))
    torch.testing.assert_close(found[..., 4:], field[..., 4:].softmax(dim=1))
