import math

import pytest
import torch
from pydantic import ValidationError

from latentclust.bundled.views.affine import Affine
from latentclust.bundled.views.draws import bernoulli, log_uniform, uniform
from latentclust.bundled.views.resized_crop import ResizedCrop

COUNT = 20_000


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_uniform_fills_its_range_evenly() -> None:
    drawn = uniform(COUNT, -2.0, 4.0, rng())

    thirds = torch.histc(drawn, bins=3, min=-2.0, max=4.0) / COUNT
    assert thirds.sum() == 1
    torch.testing.assert_close(thirds, torch.full((3,), 1 / 3), rtol=0, atol=0.015)


def test_a_factor_is_as_likely_as_its_inverse() -> None:
    drawn = log_uniform(COUNT, (0.5, 2.0), rng())

    assert drawn.min().item() == pytest.approx(0.5, abs=1e-3)
    assert drawn.max().item() == pytest.approx(2.0, abs=1e-3)
    assert drawn.log().mean().item() == pytest.approx(0, abs=0.01)
    assert drawn.log().std().item() == pytest.approx(math.log(4) / math.sqrt(12), abs=0.01)


@pytest.mark.parametrize(("probability", "share"), [(0.0, 0.0), (1.0, 1.0)])
def test_certainties_are_certain(probability: float, share: float) -> None:
    assert bernoulli(COUNT, probability, rng()).float().mean() == share


def test_an_empty_range_gives_its_value() -> None:
    assert (uniform(5, 0.25, 0.25, rng()) == 0.25).all()


@pytest.mark.parametrize(
    "options", ['{"scale": [1.2, 0.8]}', '{"scale": [0.0, 0.8]}', '{"scale": [0.5]}', '{"probability": 1.5}']
)
@pytest.mark.parametrize("view", [Affine, ResizedCrop])
def test_senseless_ranges_are_refused(view: type[Affine] | type[ResizedCrop], options: str) -> None:
    with pytest.raises(ValidationError):
        view.model_validate_json(options)


def test_a_recipe_may_write_ranges_as_lists() -> None:
    assert ResizedCrop.model_validate_json('{"scale": [0.5, 1]}').scale == (0.5, 1.0)


def test_no_crop_exceeds_the_image() -> None:
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        ResizedCrop(scale=(0.4, 1.1))
