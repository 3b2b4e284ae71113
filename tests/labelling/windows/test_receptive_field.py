"""How far models look, found by NaN that spreads."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from latentclust.labelling.windows.grid import make_grid
from latentclust.labelling.windows.receptive_field import receptive_field_radius
from tests.labelling.planted import planted_model


@pytest.mark.parametrize(("strides", "radius"), [((1,), 1), ((1, 1), 2), ((1,) * 6, 6), ((1,) * 11, 11)])
def test_each_3x3_convolution_looks_one_pixel_further(strides: Any, radius: int) -> None:
    assert receptive_field_radius(planted_model(strides), 64) == radius


def test_the_radius_of_a_strided_model_is_how_deep_borders_show() -> None:
    model = planted_model((2, 2, 1), tile=64)
    radius = receptive_field_radius(model, 64)
    assert radius is not None
    image = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    whole, window = model.predict(image).probabilities[0], model.predict(image[:, :, 64:, 64:]).probabilities[0]
    inside = (whole[:, 64 + radius :, 64 + radius :] - window[:, radius:, radius:]).abs().max()
    at_the_border = (whole[:, 64, 64:] - window[:, 0]).abs().max()
    assert inside < 1e-5 < at_the_border


def test_a_model_that_looks_further_than_asked_for_has_none() -> None:
    assert receptive_field_radius(planted_model((1,) * 12), 11) is None


@pytest.mark.parametrize("layer", [nn.GroupNorm(1, 8), nn.InstanceNorm2d(8)])
def test_a_model_that_looks_at_the_whole_window_has_no_radius(layer: nn.Module) -> None:
    model = planted_model()
    trunk: Any = model.networks["trunk"]
    networks = {**model.networks, "trunk": nn.Sequential(trunk, layer)}
    assert receptive_field_radius(replace(model, networks=networks), 64) is None


def test_windows_overlap_by_twice_the_radius_and_a_ramp() -> None:
    near, far = make_grid(planted_model(), None, None, "hann"), make_grid(planted_model((1,) * 12), None, None, "hann")
    assert (near.radius, near.tile, near.overlap, near.margin) == (2, (80, 80), (20, 20), (2, 2))
    assert (far.radius, far.tile, far.overlap, far.margin) == (12, (160, 160), (40, 40), (12, 12))
    assert make_grid(planted_model(), None, None, "crop").overlap == (4, 4)
    tight = make_grid(planted_model((1,) * 11), 64, None, "hann")
    assert (tight.radius, tight.overlap, tight.margin) == (11, (32, 32), (11, 11))  # a shorter ramp
    exact = make_grid(planted_model((1,) * 12), 48, None, "hann")
    assert (exact.radius, exact.overlap, exact.margin) == (12, (24, 24), (12, 12))
    tiny = make_grid(planted_model(), 16, None, "hann")
    assert (tiny.radius, tiny.margin) == (2, (2, 2))
    assert make_grid(planted_model((1,) * 12), 44, None, "hann").radius is None
    small = make_grid(planted_model((1,) * 12), 64, 16, "hann")
    assert (small.radius, small.margin) == (12, (4, 4))  # too small an overlap is shared as well as it can be
