"""The maximum mean discrepancy against double loops, in expectation, and at its limits."""

import math
from statistics import mean, stdev

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from latentclust.api import Latent, LatentclustError
from latentclust.bundled.losses.mmd import Mmd


def latent(style: torch.Tensor) -> Latent:
    return Latent(category=style.new_zeros(len(style), 0), style=style)


def by_loops(code: np.ndarray, prior: np.ndarray, widths: list[float]) -> float:
    """DLS Eq. 3 as printed, pair by pair, averaged over the widths."""

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.mean([math.exp(-((a - b) ** 2).sum() / (2 * width**2)) for width in widths]))

    def within(sample: np.ndarray) -> float:
        n = len(sample)
        return sum(kernel(sample[i], sample[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))

    cross = sum(kernel(a, b) for a in code for b in prior)
    return within(prior) + within(code) - 2 * cross / (len(code) * len(prior))


def median_width(code: np.ndarray, prior: np.ndarray) -> float:
    joint = np.concatenate((code, prior))
    squares = sorted(((joint[i] - joint[j]) ** 2).sum() for i in range(len(joint)) for j in range(i))
    return math.sqrt(squares[(len(squares) - 1) // 2])


@pytest.mark.parametrize("counts", [(5, 5), (4, 7)])
@pytest.mark.parametrize(
    ("options", "widths"),
    [
        ({"widths": (0.7,)}, [0.7]),
        ({"widths": (0.5, 2.0)}, [0.5, 2.0]),
        ({"widths": (0.5, 2.0), "factors": (1.0, 3.0)}, [0.5, 1.5, 2.0, 6.0]),
    ],
)
def test_equals_double_loops(counts, options, widths, normal, code):
    encoded, prior = normal(counts[0], 3) + 0.5, normal(counts[1], 3)
    expected = by_loops(encoded.double().numpy(), prior.double().numpy(), widths)
    assert Mmd(**options)(code(style=encoded), latent(prior)).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("factors", [(1.0,), (0.5, 2.0)])
def test_the_median_width_comes_from_all_pairs_of_the_joint_sample(factors, normal, code):
    encoded, prior = normal(5, 3) + 0.5, normal(5, 3)
    arrays = encoded.double().numpy(), prior.double().numpy()
    expected = by_loops(*arrays, [factor * median_width(*arrays) for factor in factors])
    assert Mmd(factors=factors)(code(style=encoded), latent(prior)).item() == pytest.approx(expected, abs=1e-6)


def test_the_median_width_is_a_constant_of_the_gradient(normal, code):
    encoded, prior = normal(5, 3), normal(5, 3)
    width = median_width(encoded.double().numpy(), prior.double().numpy())
    gradients = []
    for loss in (Mmd(), Mmd(widths=(width,))):
        leaf = encoded.clone().requires_grad_()
        loss(code(style=leaf), latent(prior)).backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(*gradients)


def test_the_median_width_makes_the_estimate_free_of_scale(normal, code):
    encoded, prior = normal(5, 3) + 1, normal(5, 3)
    torch.testing.assert_close(
        Mmd()(code(style=encoded), latent(prior)), Mmd()(code(style=100 * encoded), latent(100 * prior))
    )


def authors_squared_width(code: np.ndarray, prior: np.ndarray) -> float:
    """The (n^2 - n) / 2-th largest of the n^2 squared distances between the batches, plus the same within the code."""

    def largest(others: np.ndarray) -> float:
        squares = sorted((((a - b) ** 2).sum() for a in code for b in others), reverse=True)
        return float(squares[(len(code) ** 2 - len(code)) // 2 - 1])

    return largest(prior) + largest(code)


@pytest.mark.parametrize("count", [2, 5, 8])
def test_the_sum_of_medians_is_the_authors_width(count, normal, code):
    encoded, prior = normal(count, 3) + 0.5, normal(count, 3)
    arrays = encoded.double().numpy(), prior.double().numpy()
    expected = by_loops(*arrays, [math.sqrt(authors_squared_width(*arrays))])
    found = Mmd(widths="sum-of-medians")(code(style=encoded), latent(prior))
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_the_gradient_passes_through_the_sum_of_medians(normal, code):
    encoded, prior, step = normal(6, 3).double(), normal(6, 3).double(), 1e-3
    leaf = encoded.float().requires_grad_()
    loss = Mmd(widths="sum-of-medians")
    loss(code(style=leaf), latent(prior.float())).backward()
    direction = normal(6, 3).double()

    def at(way: float) -> float:
        moved = (encoded + way * step * direction).numpy(), prior.numpy()
        return by_loops(*moved, [math.sqrt(authors_squared_width(*moved))])

    assert (leaf.grad.double() * direction).sum().item() == pytest.approx((at(1) - at(-1)) / (2 * step), rel=1e-3)


def test_the_sum_of_medians_of_equal_styles_is_finite(code):
    encoded = torch.ones(4, 3, requires_grad=True)
    value = Mmd(widths="sum-of-medians")(code(style=encoded), latent(torch.ones(4, 3)))
    value.backward()
    assert value.item() == 0.0
    assert torch.equal(encoded.grad, torch.zeros(4, 3))


def estimates(shift: float, normal, code) -> list[float]:
    loss = Mmd(widths=(1.0,))
    return [loss(code(style=normal(12, 2) + shift), latent(normal(12, 2))).item() for _ in range(400)]


def test_is_unbiased_at_equal_distributions(normal, code):
    """The mean of 400 estimates lies within four Monte-Carlo standard errors of zero; the biased one would not."""
    values = estimates(0.0, normal, code)
    error = stdev(values) / math.sqrt(len(values))
    assert abs(mean(values)) < 4 * error
    diagonal = 2 * (1 - 1 / 3) / 12  # what keeping both diagonals would add: E k = 1 / (1 + 2 / h^2) in two dimensions
    assert diagonal > 20 * error


def test_is_unbiased_at_shifted_gaussians(normal, code):
    """Two unit Gaussians in 2-D at distance d: 2/3 (1 - exp(-d^2 / 6)) for h = 1; four standard errors allowed."""
    shift = 1.0
    values = estimates(shift, normal, code)
    expected = 2 / 3 * (1 - math.exp(-2 * shift**2 / 6))
    assert abs(mean(values) - expected) < 4 * stdev(values) / math.sqrt(len(values))


def test_of_batches_far_apart_is_the_sum_of_the_two_within(code):
    """Collapsed codes far from a collapsed prior: both within-sums are 1 and the cross term vanishes."""
    loss = Mmd(widths=(1.0,))
    assert loss(code(style=torch.full((3, 2), 1e3)), latent(torch.zeros(3, 2))).item() == 2.0


def test_of_styles_that_all_coincide_is_zero_with_a_finite_gradient(code):
    encoded = torch.ones(4, 3, requires_grad=True)
    value = Mmd()(code(style=encoded), latent(torch.ones(4, 3)))
    value.backward()
    assert value.item() == 0.0
    assert torch.equal(encoded.grad, torch.zeros(4, 3))


def test_permuting_either_batch_changes_nothing(normal, code):
    encoded, prior = normal(6, 3), normal(6, 3)
    expected = Mmd()(code(style=encoded), latent(prior))
    torch.testing.assert_close(Mmd()(code(style=encoded.flip(0)), latent(prior)), expected)
    torch.testing.assert_close(Mmd()(code(style=encoded), latent(prior.roll(2, 0))), expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype, normal, code):
    encoded, prior = normal(6, 3).to(dtype), normal(6, 3).to(dtype)
    value = Mmd()(code(style=encoded), latent(prior))
    assert value.dtype == torch.float32
    assert torch.equal(value, Mmd()(code(style=encoded.float()), latent(prior.float())))


def test_refuses_a_batch_of_one(code):
    with pytest.raises(LatentclustError, match=r"train\.batch_size"):
        Mmd()(code(style=torch.zeros(1, 3)), latent(torch.zeros(1, 3)))


@pytest.mark.parametrize("widths", [(), (0.0,), (-1.0,), "mean"])
def test_refuses_widths_that_are_none(widths):
    with pytest.raises(ValidationError, match="widths"):
        Mmd(widths=widths)


def test_reads_widths_from_a_recipe():
    assert Mmd.model_validate_json('{"widths": [0.1, 1]}').widths == (0.1, 1.0)
    assert Mmd.model_validate_json('{"widths": "median"}') == Mmd()
