"""Invariant information against loops in float64, at its limits, and at saturated logits."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from latentclust.api import LatentclustError
from latentclust.bundled.losses.invariant_information import InvariantInformation, log_joint


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits)
    return powers / powers.sum(axis=-1, keepdims=True)


def by_loops(one: np.ndarray, other: np.ndarray, coefficient: float) -> float:
    """The objective pair of clusters by pair of clusters, sub-head by sub-head."""
    p, q = softmax(one), softmax(other)
    values = []
    for head in range(p.shape[1]):
        joint = sum(np.outer(p[i, head], q[i, head]) for i in range(len(p))) / len(p)
        joint = (joint + joint.T) / 2
        rows, columns = joint.sum(axis=1), joint.sum(axis=0)
        values.append(
            sum(
                joint[c, d] * (math.log(joint[c, d]) - coefficient * (math.log(rows[c]) + math.log(columns[d])))
                for c in range(joint.shape[0])
                for d in range(joint.shape[1])
            )
        )
    return -float(np.mean(values))


def certain(labels: list[int], clusters: int, size: float = 1e4) -> torch.Tensor:
    """Logits `(b, 1, k)` of a sub-head that is sure of its labels."""
    return size * torch.eye(clusters)[labels].unsqueeze(1)


@pytest.mark.parametrize("coefficient", [0.6, 1.0, 1.5])
@pytest.mark.parametrize(("heads", "clusters"), [(1, 4), (3, 7)])
def test_equals_loops_in_float64(coefficient, heads, clusters, normal):
    one, other = 2 * normal(9, heads, clusters), 2 * normal(9, heads, clusters)
    expected = by_loops(one.double().numpy(), other.double().numpy(), coefficient)
    loss = InvariantInformation(entropy_coefficient=coefficient)
    assert loss(one, other).item() == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_the_joint_is_symmetric_and_sums_to_one(normal):
    joint = log_joint(normal(8, 3, 5), normal(8, 3, 5)).exp()
    torch.testing.assert_close(joint, joint.transpose(1, 2))
    torch.testing.assert_close(joint.sum(dim=(1, 2)), torch.ones(3))


def test_of_certain_agreement_on_equal_clusters_is_minus_log_k():
    logits = certain([0, 1, 2, 3] * 2, 4)
    assert InvariantInformation()(logits, logits).item() == pytest.approx(-math.log(4), rel=1e-6)


def test_of_certain_agreement_on_unequal_clusters_is_minus_their_entropy():
    logits = certain([0, 0, 0, 1], 2)
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert InvariantInformation()(logits, logits).item() == pytest.approx(-entropy, rel=1e-6)


def test_of_one_cluster_for_all_is_zero(normal):
    assert InvariantInformation()(certain([2] * 6, 4), certain([2] * 6, 4)).item() == 0.0
    undecided = torch.zeros(6, 2, 4)
    assert InvariantInformation()(undecided, undecided).item() == pytest.approx(0.0, abs=1e-6)


def test_of_views_that_say_nothing_of_their_images_is_zero():
    """Every pair of clusters once: independent."""
    one, other = certain([0, 0, 1, 1], 2), certain([0, 1, 0, 1], 2)
    assert InvariantInformation()(one, other).item() == pytest.approx(0.0, abs=1e-6)


def test_the_coefficient_weighs_the_marginal_entropies():
    logits = certain([0, 1, 2], 3)
    entropy = math.log(3)  # of the joint and of either marginal
    value = InvariantInformation(entropy_coefficient=1.5)(logits, logits).item()
    assert value == pytest.approx(entropy - 1.5 * 2 * entropy, rel=1e-6)


def test_is_the_mean_over_sub_heads(normal):
    one, other = normal(6, 3, 4), normal(6, 3, 4)
    alone = torch.stack([InvariantInformation()(one[:, [head]], other[:, [head]]) for head in range(3)])
    torch.testing.assert_close(InvariantInformation()(one, other), alone.mean())


def test_the_order_of_samples_of_clusters_and_of_the_pair_changes_nothing(normal):
    one, other = normal(6, 2, 4), normal(6, 2, 4)
    expected = InvariantInformation()(one, other)
    torch.testing.assert_close(InvariantInformation()(one.flip(0), other.flip(0)), expected)
    torch.testing.assert_close(InvariantInformation()(one.flip(2), other.flip(2)), expected)
    torch.testing.assert_close(InvariantInformation()(other, one), expected)


@pytest.mark.parametrize("size", [1e2, 1e4, 1e6])
def test_saturated_logits_have_a_finite_gradient(size):
    one = certain([0, 1, 2, 0], 3, size).requires_grad_()
    other = certain([0, 1, 1, 2], 3, size).requires_grad_()
    value = InvariantInformation()(one, other)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(one.grad).all()
    assert torch.isfinite(other.grad).all()


def test_its_gradient_agrees_with_finite_differences(normal):
    one, other = normal(5, 2, 3).requires_grad_(), normal(5, 2, 3)
    InvariantInformation()(one, other).backward()
    base, width = one.detach().double().numpy(), 1e-5
    expected = np.zeros_like(base)
    for place in np.ndindex(*base.shape):
        step = np.zeros_like(base)
        step[place] = width
        ahead, behind = (by_loops(base + sign * step, other.double().numpy(), 1.0) for sign in (1, -1))
        expected[place] = (ahead - behind) / (2 * width)
    np.testing.assert_allclose(one.grad.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype, normal):
    one, other = normal(5, 2, 3).to(dtype), normal(5, 2, 3).to(dtype)
    value = InvariantInformation()(one, other)
    assert value.dtype == torch.float32
    assert torch.equal(value, InvariantInformation()(one.float(), other.float()))


def test_refuses_heads_of_different_sizes(normal):
    with pytest.raises(LatentclustError, match="Bind both parameters to the same heads"):
        InvariantInformation()(normal(5, 2, 3), normal(5, 2, 4))


def test_refuses_a_coefficient_of_zero():
    with pytest.raises(ValidationError, match="entropy_coefficient"):
        InvariantInformation(entropy_coefficient=0.0)
