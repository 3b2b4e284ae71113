import math

import pytest
import torch
from torch import Tensor

from latentclust_stego.correspondence import FeatureCorrespondence, Sampled, centred, correspondences

IMAGES, POINTS, OTHER_POINTS, WIDTH, DIM = 3, 4, 5, 6, 2


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pair(seed: int, points: int = POINTS, images: int = IMAGES) -> Sampled:
    return Sampled(drawn(images, points, WIDTH, seed=seed), drawn(images, points, DIM, seed=seed + 100))


def cosine(one: Tensor, other: Tensor) -> float:
    dot = sum(a * b for a, b in zip(one.tolist(), other.tolist(), strict=True))
    return dot / math.dist(one.tolist(), [0.0] * len(one)) / math.dist(other.tolist(), [0.0] * len(other))


def tensor_by_loops(ours: Tensor, theirs: Tensor) -> list[list[list[float]]]:
    return [[[cosine(p, q) for q in b] for p in a] for a, b in zip(ours, theirs, strict=True)]


def loss_by_loops(ours: Sampled, theirs: Sampled, shift: float, centre: bool, clamp: bool) -> float:
    of_features = tensor_by_loops(ours.features, theirs.features)
    of_codes = tensor_by_loops(ours.codes, theirs.codes)
    every = [value for image in of_features for row in image for value in row]
    batch_mean = sum(every) / len(every)
    total = 0.0
    for image, codes in zip(of_features, of_codes, strict=True):
        for row, row_of_codes in zip(image, codes, strict=True):
            mean = sum(row) / len(row)
            for feature, code in zip(row, row_of_codes, strict=True):
                attraction = (feature - mean + batch_mean if centre else feature) - shift
                total -= (max(code, 0.0) if clamp else code) * attraction
    return total / len(every)


def test_the_correspondence_tensor_is_the_cosine_of_each_pair_of_points():
    ours, theirs = drawn(IMAGES, POINTS, WIDTH), drawn(IMAGES, OTHER_POINTS, WIDTH, seed=1)
    found = correspondences(ours, theirs)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, torch.tensor(tensor_by_loops(ours, theirs), dtype=torch.float64))


def test_half_precision_is_compared_in_single():
    assert correspondences(drawn(1, 2, 3).bfloat16(), drawn(1, 2, 3).bfloat16()).dtype == torch.float32


@pytest.mark.parametrize("clamp", [True, False])
@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_the_loss_is_that_of_loops_over_all_pairs(shift: float, centre: bool, clamp: bool):
    ours, theirs = pair(0), pair(1, OTHER_POINTS)
    term = FeatureCorrespondence(shift=shift, centre=centre, clamp=clamp)(ours, theirs)
    assert term.item() == pytest.approx(loss_by_loops(ours, theirs, shift, centre, clamp), abs=1e-12)


def test_several_batches_of_others_are_each_compared_with_the_images():
    ours, first, second = pair(0), pair(1, OTHER_POINTS), pair(2, OTHER_POINTS)
    both = Sampled(torch.cat((first.features, second.features)), torch.cat((first.codes, second.codes)))
    loss = FeatureCorrespondence(shift=0.1, centre=False)
    torch.testing.assert_close(loss(ours, both), (loss(ours, first) + loss(ours, second)) / 2)


def test_centring_takes_off_each_points_mean_and_keeps_that_of_all():
    found = centred(drawn(IMAGES, POINTS, OTHER_POINTS) + 1)
    means = found.mean(dim=2)
    torch.testing.assert_close(means, means[0, 0].expand_as(means))
    torch.testing.assert_close(found.mean(), drawn(IMAGES, POINTS, OTHER_POINTS).mean() + 1)


def test_neither_the_scale_of_features_nor_that_of_codes_matters():
    ours, theirs, loss = pair(0), pair(1), FeatureCorrespondence(shift=0.2)
    scaled = Sampled(7 * ours.features, 0.3 * ours.codes)
    torch.testing.assert_close(loss(scaled, theirs), loss(ours, theirs))


def test_constant_features_leave_only_the_pull_of_one_minus_the_shift():
    ours, theirs = pair(0), pair(1)
    same = torch.ones(IMAGES, POINTS, WIDTH, dtype=torch.float64)
    term = FeatureCorrespondence(shift=0.25)(Sampled(same, ours.codes), Sampled(same, theirs.codes))
    torch.testing.assert_close(term, -0.75 * correspondences(ours.codes, theirs.codes).clamp_min(0).mean())


def test_opposed_codes_are_left_alone_unless_the_clamp_is_off():
    features, codes = torch.ones(1, 1, 2, dtype=torch.float64), torch.tensor([[[1.0, 0.0]]], dtype=torch.float64)
    ours, theirs = Sampled(features, codes.requires_grad_()), Sampled(features, torch.tensor([[[-1.0, 0.1]]]).double())
    (slope,) = torch.autograd.grad(FeatureCorrespondence(shift=0.5)(ours, theirs), codes)
    assert slope.eq(0).all()
    (slope,) = torch.autograd.grad(FeatureCorrespondence(shift=0.5, clamp=False)(ours, theirs), codes)
    assert slope.abs().max() > 0


@pytest.mark.parametrize(("shift", "sign"), [(-0.5, 1), (1.5, -1)])
def test_descending_it_draws_codes_together_below_the_shift_and_apart_above(shift: float, sign: int):
    features = torch.ones(1, 1, 2, dtype=torch.float64)
    codes = torch.tensor([[[1.0, 0.0]]], dtype=torch.float64, requires_grad=True)
    theirs = torch.tensor([[[1.0, 1.0]]], dtype=torch.float64)
    term = FeatureCorrespondence(shift=shift)(Sampled(features, codes), Sampled(features, theirs))
    (slope,) = torch.autograd.grad(term, codes)
    moved = codes.detach() - 0.1 * slope
    change = correspondences(moved, theirs) - correspondences(codes.detach(), theirs)
    assert sign * change.item() > 0


def test_no_gradient_reaches_the_features():
    ours = pair(0)
    ours.features.requires_grad_()
    ours.codes.requires_grad_()
    slopes = torch.autograd.grad(
        FeatureCorrespondence(shift=0.1)(ours, ours), (ours.features, ours.codes), allow_unused=True
    )
    assert slopes[0] is None
    assert slopes[1].abs().max() > 0
