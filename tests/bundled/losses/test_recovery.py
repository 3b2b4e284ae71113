"""Recovery, reconstruction and augmentation losses against numpy in float64 and at their limits."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from latentclust.api import Latent, LatentclustError
from latentclust.bundled.losses.augmentation_invariance import AugmentationInvariance
from latentclust.bundled.losses.category_recovery import CategoryRecovery
from latentclust.bundled.losses.reconstruction import Reconstruction
from latentclust.bundled.losses.style_recovery import StyleRecovery

HALVES = [torch.float16, torch.bfloat16]


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


def one_hot(labels: list[int], clusters: int) -> torch.Tensor:
    return torch.eye(clusters)[labels]


@pytest.mark.parametrize(("reduction", "divisor"), [("mean", 6 * 4), ("sum", 6)])
def test_style_recovery_is_the_squared_distance(reduction, divisor, normal, code):
    style, recovered = normal(6, 4), normal(6, 4)
    expected = ((style.double().numpy() - recovered.double().numpy()) ** 2).sum() / divisor
    prior = Latent(category=torch.zeros(6, 0), style=style)
    assert StyleRecovery(reduction=reduction)(code(style=recovered), prior).item() == pytest.approx(expected, rel=1e-5)


def test_style_recovery_takes_a_code_as_target_and_sends_gradients_into_both(normal, code):
    one, other = normal(6, 4).requires_grad_(), normal(6, 4).requires_grad_()
    StyleRecovery(reduction="sum")(code(style=one), code(style=other)).backward()
    torch.testing.assert_close(one.grad, 2 * (one - other).detach() / 6)
    torch.testing.assert_close(other.grad, -one.grad)


def test_style_recovery_refuses_a_prior_without_style(code):
    prior = Latent(category=torch.ones(2, 1), style=torch.zeros(2, 0))
    with pytest.raises(LatentclustError, match=r"prior\.style_dim: must be at least 1 for style-recovery, got 0"):
        StyleRecovery()(code(logits=torch.zeros(2, 1)), prior)


@pytest.mark.parametrize("loss", [StyleRecovery, Reconstruction])
def test_an_unknown_reduction_is_refused(loss):
    with pytest.raises(ValidationError, match="reduction"):
        loss(reduction="median")


def test_category_recovery_is_the_cross_entropy_in_nats(normal, code):
    logits, labels = 3 * normal(6, 4), [0, 3, 1, 1, 2, 0]
    expected = -np.log(softmax(logits.double().numpy())[np.arange(6), labels]).mean()
    prior = Latent(category=one_hot(labels, 4), style=torch.zeros(6, 0))
    assert CategoryRecovery()(code(logits=logits), prior).item() == pytest.approx(expected, rel=1e-5)


def test_category_recovery_of_an_undecided_encoder_is_log_k(code):
    prior = Latent(category=one_hot([0, 2], 5), style=torch.zeros(2, 0))
    assert CategoryRecovery()(code(logits=torch.ones(2, 5)), prior).item() == pytest.approx(math.log(5))


def test_category_recovery_of_a_wrong_and_certain_encoder_is_the_logit_gap(code):
    prior = Latent(category=one_hot([0], 2), style=torch.zeros(1, 0))
    assert CategoryRecovery()(code(logits=torch.tensor([[0.0, 1e5]])), prior).item() == 1e5


def test_category_recovery_of_a_mixture_mixes(normal, code):
    logits, share = normal(1, 2), 0.3

    def loss(category: list[float]) -> torch.Tensor:
        prior = Latent(category=torch.tensor([category]), style=torch.zeros(1, 0))
        return CategoryRecovery()(code(logits=logits), prior)

    torch.testing.assert_close(loss([share, 1 - share]), share * loss([1.0, 0.0]) + (1 - share) * loss([0.0, 1.0]))


@pytest.mark.parametrize("shape", [(4, 3, 2, 5), (4, 7)])
@pytest.mark.parametrize(("norm", "power"), [("l2", 2), ("l1", 1)])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_reconstruction_is_the_distance(shape, norm, power, reduction, normal):
    images, drawn = normal(*shape), normal(*shape)
    errors = np.abs(images.double().numpy() - drawn.double().numpy()) ** power
    expected = errors.mean() if reduction == "mean" else errors.sum() / 4
    loss = Reconstruction(norm=norm, reduction=reduction)
    assert loss(images, drawn).item() == pytest.approx(expected, rel=1e-5)


def test_augmentation_invariance_is_the_kl_divergence_in_its_order(normal, code):
    real, view = 2 * normal(6, 4), 2 * normal(6, 4)
    p, q = softmax(real.double().numpy()), softmax(view.double().numpy())
    forward = AugmentationInvariance()(code(logits=real), code(logits=view)).item()
    assert forward == pytest.approx((p * np.log(p / q)).sum() / 6, rel=1e-5)
    assert forward != pytest.approx((q * np.log(q / p)).sum() / 6, rel=1e-2)


def test_augmentation_invariance_of_equal_codes_is_zero_even_where_probabilities_underflow(code):
    logits = torch.tensor([[1e4, 0.0, -1e4], [0.1, 0.2, 0.3]])
    assert AugmentationInvariance()(code(logits=logits), code(logits=logits + 7)).item() == pytest.approx(0, abs=1e-6)


def test_augmentation_invariance_of_two_bernoullis_has_its_closed_form(code):
    p, q = 0.9, 0.4
    real, view = (torch.tensor([[share, 1 - share]]).log() for share in (p, q))
    expected = p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
    assert AugmentationInvariance()(code(logits=real), code(logits=view)).item() == pytest.approx(expected, rel=1e-5)


def test_augmentation_invariance_sends_gradients_into_both_codes(normal, code):
    real, view = normal(6, 4).requires_grad_(), normal(6, 4).requires_grad_()
    AugmentationInvariance()(code(logits=real), code(logits=view)).backward()
    torch.testing.assert_close(view.grad, ((view.softmax(1) - real.softmax(1)) / 6).detach())
    assert real.grad.abs().sum() > 0


@pytest.mark.parametrize("dtype", HALVES)
def test_half_precision_is_computed_in_float32(dtype, normal, code):
    logits, style = normal(6, 4).to(dtype), normal(6, 4).to(dtype)
    target = Latent(category=one_hot([0, 1, 2, 3, 0, 1], 4).to(dtype), style=normal(6, 4).to(dtype))
    exact_target = Latent(category=target.category.float(), style=target.style.float())
    half, exact = code(logits, style), code(logits.float(), style.float())
    for value, expected in (
        (StyleRecovery()(half, target), StyleRecovery()(exact, exact_target)),
        (CategoryRecovery()(half, target), CategoryRecovery()(exact, exact_target)),
        (Reconstruction()(style, logits), Reconstruction()(style.float(), logits.float())),
        (AugmentationInvariance()(half, code(style)), AugmentationInvariance()(exact, code(style.float()))),
    ):
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, expected, rtol=0, atol=0)


def test_permuting_the_batch_changes_nothing(normal, code):
    order = torch.randperm(6, generator=torch.Generator().manual_seed(1))
    logits, view, style, drawn = normal(6, 4), normal(6, 4), normal(6, 3), normal(6, 3)
    target = Latent(category=one_hot([0, 1, 2, 3, 0, 1], 4), style=drawn)
    moved = Latent(category=target.category[order], style=drawn[order])
    here, there = code(logits, style), code(logits[order], style[order])
    for value, expected in (
        (StyleRecovery()(there, moved), StyleRecovery()(here, target)),
        (CategoryRecovery()(there, moved), CategoryRecovery()(here, target)),
        (Reconstruction()(style[order], drawn[order]), Reconstruction()(style, drawn)),
        (AugmentationInvariance()(there, code(view[order])), AugmentationInvariance()(here, code(view))),
    ):
        torch.testing.assert_close(value, expected)
