"""Invariant information of pixels against loops over displacements in float64, and at its limits."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from latentclust.bundled.losses.invariant_information import InvariantInformation
from latentclust.bundled.losses.pixel_information import PixelInvariantInformation, joint_of_displacements

SIZES = [(5, 5), (4, 7), (6, 3)]


def loops(one: np.ndarray, other: np.ndarray, visible: np.ndarray, window: int) -> np.ndarray:
    """The joints, pixel by pixel and displacement by displacement, summed: `(h, k, k, t, t)`."""
    batch, heads, clusters, height, width = one.shape
    reach = range(-window, window + 1)
    joint = np.zeros((heads, clusters, clusters, len(reach), len(reach)))
    for sample, head, down, across in product(range(batch), range(heads), reach, reach):
        for row, column in product(range(height), range(width)):
            to = (row + down, column + across)
            if not (0 <= to[0] < height and 0 <= to[1] < width):
                continue
            if visible[sample, row, column] and visible[sample, to[0], to[1]]:
                p, q = one[sample, head, :, row, column], other[sample, head, :, to[0], to[1]]
                joint[head, :, :, down + window, across + window] += np.outer(p, q)
    return joint


def information(joint: np.ndarray, coefficient: float = 1.0) -> float:
    """Minus the mutual information of a joint `(k, k)`, made symmetric, both marginal entropies times a coefficient."""
    joint = (joint + joint.T) / 2
    joint = joint / joint.sum()
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    return -sum(
        joint[c, d] * (math.log(joint[c, d]) - coefficient * (math.log(rows[c]) + math.log(columns[d])))
        for c, d in product(range(len(joint)), repeat=2)
        if joint[c, d] > 0
    )


def softmax(logits: Tensor) -> np.ndarray:
    return logits.double().softmax(dim=2).numpy()


@pytest.fixture
def visible() -> Tensor:
    """Most of the pixels of three images of any size up to 8x8."""
    return torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(5)) > 0.3


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("window", [0, 1, 2])
def test_the_joint_is_that_of_a_loop_over_displacements(window, size, normal, visible):
    one, other = 2 * normal(3, 2, 3, *size), 2 * normal(3, 2, 3, *size)
    mask = visible[:, : size[0], : size[1]]
    expected = loops(softmax(one), softmax(other), mask.numpy(), window)
    found = joint_of_displacements(one.softmax(dim=2), other.softmax(dim=2), mask, window).double().numpy()
    np.testing.assert_allclose(found * mask.numel(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("coefficient", [1.0, 1.5])
@pytest.mark.parametrize("window", [0, 1, 2])
def test_the_loss_is_the_mean_of_the_information_at_each_displacement(window, coefficient, normal, visible):
    one, other = 2 * normal(3, 2, 3, 4, 6), 2 * normal(3, 2, 3, 4, 6)
    mask = visible[:, :4, :6]
    joints = loops(softmax(one), softmax(other), mask.numpy(), window)
    places = product(range(2), range(2 * window + 1), range(2 * window + 1))
    each = [information(joints[h, :, :, y, x], coefficient) for h, y, x in places]
    loss = PixelInvariantInformation(window=window, entropy_coefficient=coefficient)
    assert loss(one, other, mask).item() == pytest.approx(np.mean(each), rel=1e-4, abs=1e-6)
    collapsed = np.mean([information(joints[h].sum(axis=(2, 3)), coefficient) for h in range(2)])
    assert window == 0 or abs(np.mean(each) - collapsed) > 1e-4, "the paper's collapsed loss is another"


def certain(labels: Tensor, clusters: int, size: float = 1e4) -> Tensor:
    """Logits `(b, 1, k, y, x)` of a sub-head that is sure of its labels `(b, y, x)`."""
    return size * torch.nn.functional.one_hot(labels, clusters).permute(0, 3, 1, 2).unsqueeze(1).float()


def everywhere(logits: Tensor) -> Tensor:
    return torch.ones(len(logits), *logits.shape[3:], dtype=torch.bool)


@pytest.mark.parametrize("clusters", [2, 3, 6])
def test_of_certain_agreement_on_equal_clusters_is_minus_log_k(clusters):
    labels = torch.arange(4 * 6).view(1, 4, 6) % clusters
    logits = certain(labels, clusters)
    value = PixelInvariantInformation(window=0)(logits, logits, everywhere(logits))
    assert value.item() == pytest.approx(-math.log(clusters), rel=1e-5)


def test_of_maps_of_one_cluster_is_zero():
    logits = certain(torch.ones(2, 5, 5, dtype=torch.int64), 3)
    assert PixelInvariantInformation(window=2)(logits, logits, everywhere(logits)).item() == pytest.approx(0, abs=1e-6)


def test_a_shifted_map_is_informative_at_its_displacement_alone():
    """Random labels, moved one pixel to the right: of nine displacements one tells all."""
    labels = torch.randint(2, (4, 40, 40), generator=torch.Generator().manual_seed(0))
    joint = joint_of_displacements(
        certain(labels, 2).softmax(dim=2),
        certain(labels.roll(1, dims=2), 2).softmax(dim=2),
        torch.ones(4, 40, 40, dtype=torch.bool),
        1,
    ).double()
    values = torch.tensor([[information(joint[0, :, :, y, x].numpy()) for x in range(3)] for y in range(3)])
    assert values[1, 2].item() == pytest.approx(-math.log(2), rel=0.01)
    values[1, 2] = 0
    assert values.abs().max() < 0.01


def test_without_a_window_one_pixel_images_are_the_image_level_loss(normal):
    one, other = normal(9, 2, 4, 1, 1), normal(9, 2, 4, 1, 1)
    value = PixelInvariantInformation(window=0, entropy_coefficient=1.3)(one, other, everywhere(one))
    expected = InvariantInformation(entropy_coefficient=1.3)(one[..., 0, 0], other[..., 0, 0])
    torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)


def test_what_is_not_visible_does_not_count(normal, visible):
    one, other = normal(3, 2, 3, 5, 5), normal(3, 2, 3, 5, 5)
    mask = visible[:, :5, :5]
    loss = PixelInvariantInformation(window=1)
    spoilt = torch.where(mask[:, None, None], one, 7 * normal(3, 2, 3, 5, 5))
    assert torch.equal(loss(spoilt, other, mask), loss(one, other, mask))
    one.requires_grad_()
    loss(one, other, mask).backward()
    assert not one.grad.permute(0, 3, 4, 1, 2)[~mask].any()
    assert one.grad.permute(0, 3, 4, 1, 2)[mask].any()


def test_displacements_at_which_no_two_pixels_meet_are_left_out(normal):
    """In images of 3x4 pixels two lie at most two rows and three columns apart, whatever the window."""
    one, other = normal(2, 1, 3, 3, 4), normal(2, 1, 3, 3, 4)
    joints = loops(softmax(one), softmax(other), np.ones((2, 3, 4), dtype=bool), 5)
    each = [information(joints[0, :, :, 5 + y, 5 + x]) for y in range(-2, 3) for x in range(-3, 4)]
    value = PixelInvariantInformation(window=5)(one, other, everywhere(one))
    assert value.item() == pytest.approx(np.mean(each), rel=1e-4)


def test_where_nothing_is_visible_there_is_nothing_to_learn(normal):
    one, other = normal(2, 2, 3, 4, 4).requires_grad_(), normal(2, 2, 3, 4, 4)
    value = PixelInvariantInformation(window=1)(one, other, torch.zeros(2, 4, 4, dtype=torch.bool))
    value.backward()
    assert value.item() == 0
    assert not one.grad.any()


@pytest.mark.parametrize("size", [1e2, 1e4, 1e6])
def test_saturated_logits_have_a_finite_gradient(size):
    labels = torch.randint(3, (2, 4, 4), generator=torch.Generator().manual_seed(0))
    one, other = certain(labels, 3, size).requires_grad_(), certain(labels.flip(1), 3, size).requires_grad_()
    value = PixelInvariantInformation(window=1)(one, other, everywhere(one))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(one.grad).all()
    assert torch.isfinite(other.grad).all()


def test_the_order_of_images_clusters_and_of_the_pair_changes_nothing(normal, visible):
    one, other, mask = normal(3, 2, 4, 5, 6), normal(3, 2, 4, 5, 6), visible[:, :5, :6]
    loss = PixelInvariantInformation(window=2)
    expected = loss(one, other, mask)
    torch.testing.assert_close(loss(one.flip(0), other.flip(0), mask.flip(0)), expected)
    torch.testing.assert_close(loss(one.flip(2), other.flip(2), mask), expected)
    torch.testing.assert_close(loss(other, one, mask), expected)
    torch.testing.assert_close(loss(one.flip(4), other.flip(4), mask.flip(2)), expected)


def test_its_gradient_agrees_with_finite_differences(normal):
    one, other = normal(2, 1, 2, 2, 3).requires_grad_(), normal(2, 1, 2, 2, 3)
    mask, window, width = np.ones((2, 2, 3), dtype=bool), 1, 1e-5
    PixelInvariantInformation(window=window)(one, other, torch.from_numpy(mask)).backward()

    def value(logits: Tensor) -> float:
        joints = loops(softmax(logits), softmax(other), mask, window)
        return float(np.mean([information(joints[0, :, :, y, x]) for y in range(3) for x in range(3)]))

    base = one.detach().double()
    expected = torch.zeros_like(base)
    for place in np.ndindex(*base.shape):
        step = torch.zeros_like(base)
        step[place] = width
        expected[place] = (value(base + step) - value(base - step)) / (2 * width)
    torch.testing.assert_close(one.grad.double(), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype, normal):
    one, other = normal(2, 2, 3, 4, 4).to(dtype), normal(2, 2, 3, 4, 4).to(dtype)
    value = PixelInvariantInformation(window=1)(one, other, everywhere(one))
    assert value.dtype == torch.float32
    assert torch.equal(value, PixelInvariantInformation(window=1)(one.float(), other.float(), everywhere(one)))


@pytest.mark.parametrize("option", [{"window": -1}, {"entropy_coefficient": 0.0}])
def test_options_out_of_range_are_refused(option):
    with pytest.raises(ValidationError, match=next(iter(option))):
        PixelInvariantInformation(**option)
