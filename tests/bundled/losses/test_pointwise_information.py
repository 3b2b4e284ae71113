"""Tests of TEMI's loss: known values at its limits, invariances, and the weights of pairs."""

import math

import pytest
import torch
from torch import Tensor

from latentclust.api import HeadLogits, LatentclustError
from latentclust.bundled.losses.pointwise_information import PointwiseInformation

CLUSTERS = 4


def certain(*clusters: int, heads: int = 1) -> HeadLogits:
    """Return the logits of images that are in these clusters for certain, in every head."""
    logits = 100.0 * torch.nn.functional.one_hot(torch.tensor(clusters), CLUSTERS)
    return HeadLogits(logits[:, None].repeat(1, heads, 1))


def drawn(seed: int, heads: int = 3) -> HeadLogits:
    return HeadLogits(torch.randn(8, heads, CLUSTERS, generator=torch.Generator().manual_seed(seed)))


def four(seed: int) -> list[HeadLogits]:
    return [drawn(seed + number) for number in range(4)]


@pytest.mark.parametrize("beta", [0.6, 1.0])
def test_equal_clusters_on_which_all_agree_give_the_largest_information(beta: float) -> None:
    logits = certain(0, 1, 2, 3)
    loss = PointwiseInformation(beta=beta)(logits, logits, logits, logits)
    assert loss.item() == pytest.approx(-math.log(CLUSTERS))


def test_one_cluster_for_all_images_gives_no_information() -> None:
    logits = certain(2, 2, 2, 2)
    assert PointwiseInformation()(logits, logits, logits, logits).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("weighted", [True, False])
def test_uniform_probabilities_give_chance(weighted: bool) -> None:
    logits = HeadLogits(torch.zeros(8, 3, CLUSTERS))
    loss = PointwiseInformation(weighted=weighted)
    chance = loss.chance(CLUSTERS)
    assert chance is not None
    assert loss(logits, logits, logits, logits).item() == pytest.approx(chance)


def test_the_value_is_that_of_the_equations() -> None:
    student, near, teacher, teacher_near = four(0)
    q, q_near, p, p_near = (logits.softmax(dim=2) for logits in (student, near, teacher, teacher_near))
    marginal = torch.cat((p, p_near)).mean(dim=0)
    total = torch.zeros(())
    for one, other in ((q, p_near), (q_near, p)):
        pmi = (((one * other) ** 0.6) / marginal).sum(dim=2).log()
        total += (pmi * (p * p_near).sum(dim=2).mean(dim=1, keepdim=True)).mean() / 2
    loss = PointwiseInformation()(student, near, teacher, teacher_near)
    torch.testing.assert_close(loss, -total)


def test_image_and_neighbour_can_be_exchanged() -> None:
    student, near, teacher, teacher_near = four(1)
    loss = PointwiseInformation()
    torch.testing.assert_close(loss(student, near, teacher, teacher_near), loss(near, student, teacher_near, teacher))


def test_a_pair_on_which_no_head_agrees_does_not_count() -> None:
    student, near = drawn(2), drawn(3)
    apart = (certain(0, 1, 2, 3, 0, 1, 2, 3, heads=3), certain(1, 2, 3, 0, 1, 2, 3, 0, heads=3))
    assert PointwiseInformation()(student, near, *apart).item() == pytest.approx(0, abs=1e-5)
    assert PointwiseInformation(weighted=False)(student, near, *apart).item() != pytest.approx(0, abs=1e-2)


def test_the_teacher_gets_no_gradient() -> None:
    logits: list[Tensor] = [each.clone().requires_grad_() for each in four(4)]
    PointwiseInformation()(*(HeadLogits(each) for each in logits)).backward()
    assert [each.grad is not None for each in logits] == [True, True, False, False]


def test_logits_of_other_shapes_are_told() -> None:
    with pytest.raises(LatentclustError, match="of one shape"):
        PointwiseInformation()(drawn(0), drawn(1), drawn(2), drawn(3, heads=2))
