from math import log
from typing import Any

import pytest
import torch
from latentclust.api import Code, LatentclustError
from latentclust.testing import load_resolved_recipe

from latentclust_confidence_penalty import ConfidencePenalty

SURE = 60.0
"""A logit so much above zeros that the others' probabilities vanish in float32."""


def code(*probabilities: tuple[float, ...]) -> Code:
    logits = torch.tensor(probabilities).log()
    return Code(logits=logits, style=torch.zeros(len(logits), 0), features=torch.zeros(len(logits), 0))


def recipe(**options: Any) -> dict[str, Any]:
    loss = {"use": "confidence-penalty", "player": "encoder", "weight": 0.1, "on": {"code": "code_of_real"}}
    return {"schema": 1, "extends": "digits", "name": "penalised", "losses": {"confidence-penalty": loss | options}}


@pytest.mark.parametrize("clusters", [2, 10])
def test_it_is_minus_log_k_where_every_cluster_is_as_likely(clusters: int):
    term = ConfidencePenalty()(code((1 / clusters,) * clusters))
    torch.testing.assert_close(term, torch.tensor(-log(clusters)))


def test_it_is_zero_for_certainty():
    certain = Code(logits=SURE * torch.eye(3), style=torch.zeros(3, 0), features=torch.zeros(3, 0))
    torch.testing.assert_close(ConfidencePenalty()(certain), torch.tensor(0.0))


def test_it_is_the_mean_over_the_batch():
    quarter = 0.25 * log(4) + 0.75 * log(4 / 3)
    term = ConfidencePenalty()(code((0.25, 0.75), (0.5, 0.5)))
    torch.testing.assert_close(term, torch.tensor(-(quarter + log(2)) / 2))


def test_the_threshold_bounds_the_entropy_of_each_posterior_and_ends_its_gradient():
    probabilities = code((0.25, 0.75), (0.5, 0.5))
    logits = probabilities.logits.requires_grad_()
    quarter = 0.25 * log(4) + 0.75 * log(4 / 3)
    term = ConfidencePenalty(threshold=0.6)(probabilities)
    torch.testing.assert_close(term, torch.tensor(-(quarter + 0.6) / 2))
    (slope,) = torch.autograd.grad(term, logits)
    assert slope[0].abs().min() > 0
    torch.testing.assert_close(slope[1], torch.zeros(2))


def test_descending_it_makes_a_posterior_less_confident():
    probabilities = code((0.2, 0.8))
    logits = probabilities.logits.requires_grad_()
    (slope,) = torch.autograd.grad(ConfidencePenalty()(probabilities), logits)
    assert slope[0, 1] > 0 > slope[0, 0]


def test_a_recipe_binds_it_to_the_code_of_real_images():
    resolved = load_resolved_recipe(recipe(threshold=2.0), ())
    term = next(term for term in resolved.plans["encoder"].terms if term.name == "confidence-penalty")
    assert term.loss == ConfidencePenalty(threshold=2.0)
    assert term.reads == ("code_of_real",)
    assert "latentclust-confidence-penalty" in resolved.distributions


def test_a_recipe_that_does_not_say_which_code_is_refused():
    with pytest.raises(LatentclustError, match="the loss reads 'code', which is not a known quantity"):
        load_resolved_recipe(recipe(on={}), ())
