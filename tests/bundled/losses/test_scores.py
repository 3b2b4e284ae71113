"""Losses of scores against numpy in float64, at their limits, and DCCS's information estimate against a closed form."""

import math
from inspect import signature

import numpy as np
import pytest
import torch

from latentclust.api import LossSpec
from latentclust.bundled.losses.adversarial import Adversarial
from latentclust.bundled.losses.gan_critic import GanCritic
from latentclust.bundled.losses.gan_generator import GanGenerator
from latentclust.bundled.losses.mutual_information import MutualInformation
from latentclust.bundled.losses.wasserstein_critic import WassersteinCritic


def minus_log_sigmoid(scores: np.ndarray) -> float:
    return float(np.mean(-np.log(1 / (1 + np.exp(-scores)))))


EXPECTED = {
    WassersteinCritic: lambda real, fake: fake.mean() - real.mean(),
    GanCritic: lambda real, fake: minus_log_sigmoid(real) + minus_log_sigmoid(-fake),
    MutualInformation: lambda joint, marginal: minus_log_sigmoid(joint) + minus_log_sigmoid(-marginal),
    Adversarial: lambda fake: -fake.mean(),
    GanGenerator: minus_log_sigmoid,
}


def scores_of(loss: type[LossSpec]) -> int:
    return len(signature(EXPECTED[loss]).parameters)


def arguments(loss: type[LossSpec], normal) -> list[torch.Tensor]:
    return [3 * normal(17) + 1 for _ in range(scores_of(loss))]


@pytest.mark.parametrize("loss", EXPECTED)
def test_equals_an_independent_float64_computation(loss, normal):
    scores = arguments(loss, normal)
    expected = EXPECTED[loss](*(score.double().numpy() for score in scores))
    assert loss()(*scores).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", EXPECTED)
def test_does_not_depend_on_the_order_of_the_batch(loss, normal):
    scores = arguments(loss, normal)
    torch.testing.assert_close(loss()(*(score.flip(0) for score in scores)), loss()(*scores))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("loss", EXPECTED)
def test_computes_half_precision_scores_in_float32(loss, dtype, normal):
    halves = [score.to(dtype) for score in arguments(loss, normal)]
    value = loss()(*halves)
    assert value.dtype == torch.float32
    assert value.shape == ()
    torch.testing.assert_close(value, loss()(*(half.float() for half in halves)), rtol=0, atol=0)


@pytest.mark.parametrize("loss", [GanCritic, GanGenerator, MutualInformation])
def test_stays_finite_and_linear_where_a_sigmoid_would_underflow(loss):
    wrong = [torch.full((2,), -1e4), torch.full((2,), 1e4)][: scores_of(loss)]
    assert loss()(*wrong).item() == pytest.approx(1e4 * len(wrong))


def test_generator_keeps_its_gradient_where_the_critic_is_sure_of_the_fakes():
    score = torch.full((1,), -50.0, requires_grad=True)
    GanGenerator()(score).backward()
    assert score.grad.item() == pytest.approx(-1.0)


def test_adversarial_is_the_fake_part_of_the_critics_objective_reversed(normal):
    real, fake = normal(9), normal(9)
    ours = torch.autograd.grad(Adversarial()(fake.requires_grad_()), fake)[0]
    theirs = torch.autograd.grad(WassersteinCritic()(real, fake), fake)[0]
    torch.testing.assert_close(ours, -theirs)


# A joint distribution of two binary variables, in eighths, so that a batch can hold it exactly.
JOINT = np.array([[3, 1], [1, 3]]) / 8
PRODUCT = JOINT.sum(axis=1, keepdims=True) * JOINT.sum(axis=0, keepdims=True)


def jensen_shannon() -> float:
    middle = (JOINT + PRODUCT) / 2
    return float((JOINT * np.log(JOINT / middle) + PRODUCT * np.log(PRODUCT / middle)).sum() / 2)


def drawn(table: np.ndarray, scores: torch.Tensor) -> torch.Tensor:
    """Scores of a batch of eight in which every cell occurs exactly as often as its probability says."""
    cells = np.repeat(np.arange(4), np.rint(8 * table.ravel()).astype(int))
    return scores[torch.from_numpy(cells)]


def test_the_best_discriminator_reaches_the_jensen_shannon_divergence():
    best = torch.from_numpy(np.log(JOINT / PRODUCT).ravel()).float()
    loss = MutualInformation()(drawn(JOINT, best), drawn(PRODUCT, best))
    assert math.log(2) - loss.item() / 2 == pytest.approx(jensen_shannon(), abs=1e-6)


def test_the_best_discriminator_is_where_the_loss_is_stationary_and_least(normal):
    best = torch.from_numpy(np.log(JOINT / PRODUCT).ravel()).float().requires_grad_()
    least = MutualInformation()(drawn(JOINT, best), drawn(PRODUCT, best))
    torch.testing.assert_close(torch.autograd.grad(least, best)[0], torch.zeros(4), atol=1e-6, rtol=0)
    for _ in range(20):
        other = best.detach() + normal(4)
        assert MutualInformation()(drawn(JOINT, other), drawn(PRODUCT, other)) > least


def test_a_discriminator_at_chance_finds_no_information():
    assert MutualInformation()(torch.zeros(4), torch.zeros(4)).item() == pytest.approx(2 * math.log(2))
