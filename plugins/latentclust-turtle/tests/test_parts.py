"""The terms at known values, the normed weights, and the system, small."""

import math

import pytest
import torch
from latentclust.api import Code
from latentclust.testing import load_resolved_recipe
from torch.nn import functional

from latentclust_turtle.labelling import WeightNormedLinear
from latentclust_turtle.losses import LabelEntropy, LabelPrediction


def code(logits: torch.Tensor) -> Code:
    return Code(logits, logits.new_zeros(len(logits), 0), logits)


def test_certain_labels_that_are_predicted_cost_nothing() -> None:
    logits = 100 * torch.eye(4)
    assert LabelPrediction()(code(logits), code(logits)).item() == pytest.approx(0, abs=1e-6)


def test_the_prediction_of_certain_labels_is_torchs_cross_entropy() -> None:
    predicted = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    expected = functional.cross_entropy(predicted, torch.arange(4))
    torch.testing.assert_close(LabelPrediction()(code(100 * torch.eye(4)), code(predicted)), expected)


def test_uniform_labels_cost_chance() -> None:
    logits = torch.zeros(5, 4)
    assert LabelPrediction()(code(logits), code(logits)).item() == pytest.approx(LabelPrediction().chance(4))


def test_entropy_is_least_for_equal_labels_and_zero_for_one() -> None:
    assert LabelEntropy()(code(100 * torch.eye(4))).item() == pytest.approx(-math.log(4))
    assert LabelEntropy()(code(100 * torch.eye(4)[[1, 1]])).item() == pytest.approx(0, abs=1e-6)


def test_normed_weights_begin_as_those_of_torch() -> None:
    layer = WeightNormedLinear(5, 3)
    sample = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer(sample), functional.linear(sample, layer.direction, layer.bias))


def test_the_length_of_a_direction_has_no_effect() -> None:
    layer = WeightNormedLinear(5, 3)
    sample = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
    before = layer(sample)
    with torch.no_grad():
        layer.direction.mul_(7)
    torch.testing.assert_close(layer(sample), before)


def test_the_recipe_is_in_the_wheel_and_resolves() -> None:
    resolved = load_resolved_recipe("cifar10-turtle", ())
    assert resolved.recipe.name == "cifar10-turtle"
    assert resolved.recipe.features is not None
    assert "latentclust-turtle" in resolved.distributions
