"""The logarithm of values: known values, and what a factor of all bands changes."""

import math

import pytest
import torch
from pydantic import ValidationError

from latentclust.api import Images
from latentclust.bundled.views.logarithm import Logarithm

RNG = torch.Generator()


def test_known_values() -> None:
    images = Images(torch.tensor([0.0, 0.9, math.e - 0.1, -3.0]).view(1, 1, 2, 2))
    found = Logarithm().apply(images, RNG).flatten().tolist()
    assert found == pytest.approx([math.log(0.1), 0.0, 1.0, math.log(0.1)], abs=1e-6)


def test_a_factor_of_all_bands_shifts_them_alike() -> None:
    images = torch.rand(2, 3, 4, 4, generator=RNG.manual_seed(0)) + 0.5
    view = Logarithm(offset=1e-6)
    shift = view.apply(Images(images * 0.25), RNG) - view.apply(Images(images), RNG)
    torch.testing.assert_close(shift, torch.full_like(shift, math.log(0.25)), rtol=0, atol=1e-4)


def test_samples_keep_their_shape() -> None:
    assert Logarithm().output_shape((3, 8, 9)) == (3, 8, 9)
    assert Logarithm().apply(Images(torch.rand(4, 5)), RNG).shape == (4, 5)
    with pytest.raises(ValidationError, match="offset"):
        Logarithm(offset=0.0)
