"""Cluster sizes in the losses of invariant information: known values with few clusters, and where they are best."""

import math
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from latentclust.api import HeadLogits, LatentclustError, Mask
from latentclust.bundled.losses.invariant_information import InvariantInformation
from latentclust.bundled.losses.pixel_information import PixelInvariantInformation

SURE = 60.0
"""Logit of a cluster that is certain in float32."""


def certain(*sizes: int) -> HeadLogits:
    """Logits of samples whose clusters are certain and have these sizes, from one sub-head."""
    label = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    return HeadLogits(SURE * torch.nn.functional.one_hot(label, len(sizes))[:, None].float())


def entropy(*shares: float) -> float:
    return -sum(share * math.log(share) for share in shares if share)


def loss_of(sizes: tuple[int, ...], **options: Any) -> float:
    logits = certain(*sizes)
    return float(InvariantInformation(**options)(logits, logits))


@pytest.mark.parametrize("coefficient", [0.6, 1.0, 1.5])
def test_certain_clusters_earn_their_entropy_times_twice_the_coefficient_less_one(coefficient: float) -> None:
    found = loss_of((6, 2), entropy_coefficient=coefficient)
    assert found == pytest.approx(-(2 * coefficient - 1) * entropy(0.75, 0.25), abs=1e-5)


@pytest.mark.parametrize("coefficient", [0.6, 1.0, 1.5])
def test_equal_shares_are_the_published_loss_up_to_a_constant(coefficient: float) -> None:
    logits = HeadLogits(torch.randn(20, 2, 4, generator=torch.Generator().manual_seed(0)))
    view = HeadLogits(logits + 0.3)
    plain = InvariantInformation(entropy_coefficient=coefficient)(logits, view)
    equal = InvariantInformation(entropy_coefficient=coefficient, shares=(0.25,) * 4)(logits, view)
    assert float(equal - plain) == pytest.approx((2 * coefficient - 1) * math.log(4), abs=1e-5)


def test_certain_clusters_of_the_expected_shares_in_any_order_are_best() -> None:
    """The loss is then 0, and otherwise the divergence from the shares."""
    shares = (0.125, 0.75, 0.125)
    assert loss_of((6, 1, 1), shares=shares) == pytest.approx(0.0, abs=1e-5)
    assert loss_of((1, 1, 6), shares=shares) == pytest.approx(0.0, abs=1e-5)
    cross = -(0.5 * math.log(0.75) + 0.5 * math.log(0.125))
    assert loss_of((4, 2, 2), shares=shares) == pytest.approx(cross - entropy(0.5, 0.25, 0.25), abs=1e-5)
    assert loss_of((4, 2, 2), shares=shares, entropy_coefficient=2.0) == pytest.approx(
        3 * (cross - entropy(0.5, 0.25, 0.25)), abs=1e-5
    )


@pytest.mark.parametrize("options", [{}, {"entropy_coefficient": 0.7}, {"shares": (0.7, 0.2, 0.1)}])
def test_pixels_are_counted_as_samples_are(options: dict[str, Any]) -> None:
    one, other = (torch.randn(6, 2, 3, 1, 1, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    everywhere = Mask(torch.ones(6, 1, 1, dtype=torch.bool))
    found = PixelInvariantInformation(window=0, **options)(HeadLogits(one), HeadLogits(other), everywhere)
    expected = InvariantInformation(**options)(HeadLogits(one[..., 0, 0]), HeadLogits(other[..., 0, 0]))
    assert float(found) == pytest.approx(float(expected), abs=1e-5)


def test_gradients_lead_towards_the_shares() -> None:
    """Four samples of two clusters: equal shares pull an unsure sample to the small one, the true shares do not."""
    logits = torch.tensor([[SURE, 0.0]] * 3 + [[0.5, 0.0]]).view(4, 1, 2).requires_grad_()

    def gradient(**options: Any) -> Tensor:
        (found,) = torch.autograd.grad(InvariantInformation(**options)(HeadLogits(logits), HeadLogits(logits)), logits)
        return found[3, 0]

    towards_small, towards_large = gradient(), gradient(shares=(0.99, 0.01))
    assert towards_small[1] < 0 < towards_small[0]
    assert towards_large[0] < 0 < towards_large[1]


@pytest.mark.parametrize("loss", [InvariantInformation, PixelInvariantInformation])
def test_the_value_at_chance_is_that_of_independent_clusters_of_the_shares(loss: type) -> None:
    assert loss().chance(4) == 0
    assert loss(entropy_coefficient=0.75).chance(4) == pytest.approx(0.5 * math.log(4))
    assert loss(shares=(0.7, 0.3)).chance(2) == pytest.approx(entropy(0.7, 0.3))
    constant = HeadLogits(torch.tensor([0.7, 0.3]).log().expand(5, 1, 2))
    assert float(InvariantInformation(shares=(0.7, 0.3))(constant, constant)) == pytest.approx(entropy(0.7, 0.3))


def test_shares_must_sum_to_one_and_be_those_of_all_clusters() -> None:
    with pytest.raises(ValidationError, match=r"must sum to 1, got 0\.9"):
        InvariantInformation(shares=(0.5, 0.4))
    with pytest.raises(ValidationError, match=r"greater than 0\.5"):
        InvariantInformation(entropy_coefficient=0.5)
    with pytest.raises(LatentclustError, match="has 2 shares for 3 clusters"):
        loss_of((1, 1, 1), shares=(0.5, 0.5))
