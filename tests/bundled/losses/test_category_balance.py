"""The floor under the shares of clusters: closed forms, limits and gradients."""

import math

import pytest
import torch
from pydantic import ValidationError

from latentclust.bundled.losses.category_balance import CategoryBalance


def logits_of(*shares: float) -> torch.Tensor:
    """Return logits of 100 samples, each certain of a cluster, in given shares."""
    rows = [torch.full((round(100 * share),), float(k)) for k, share in enumerate(shares)]
    return 40.0 * torch.nn.functional.one_hot(torch.cat(rows).long(), len(shares)).float()


def test_is_zero_while_each_cluster_has_the_floor(code):
    for shares in ((0.25, 0.25, 0.25, 0.25), (0.4, 0.3, 0.17, 0.13)):
        assert CategoryBalance(floor=0.5)(code(logits=logits_of(*shares))).item() == 0


def test_counts_the_logarithm_of_the_shortfall_of_each_deficient_cluster(code):
    value = CategoryBalance(floor=0.8)(code(logits=logits_of(0.6, 0.2, 0.15, 0.05)))
    assert value.item() == pytest.approx((math.log(0.2 / 0.15) + math.log(0.2 / 0.05)) / 4, rel=1e-5)


def test_is_the_divergence_of_the_deficient_clusters_at_the_floor_of_one(code):
    shares = (0.7, 0.2, 0.1)
    value = CategoryBalance(floor=1.0)(code(logits=logits_of(*shares)))
    assert value.item() == pytest.approx(sum(math.log(1 / (3 * s)) / 3 for s in shares if s < 1 / 3), rel=1e-5)


def test_a_cluster_without_samples_is_pulled_as_hard_as_one_below_the_floor(code):
    logits = torch.randn(64, 5, generator=torch.Generator().manual_seed(0))
    pulls = []
    for offset in (4.0, 40.0):
        moved = (logits - offset * torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0])).requires_grad_()
        CategoryBalance(floor=0.5)(code(logits=moved)).backward()
        pulls.append(moved.grad[:, 4].sum().item())
    assert pulls[1] == pytest.approx(-1 / 5, abs=1e-6)
    assert pulls[0] == pytest.approx(pulls[1], rel=0.05)


def test_pixels_of_label_maps_count_alike(code):
    logits = 3 * torch.randn(2, 4, 3, 5, generator=torch.Generator().manual_seed(1))
    rows = logits.permute(0, 2, 3, 1).reshape(-1, 4)
    assert CategoryBalance()(code(logits=logits)).item() == pytest.approx(
        CategoryBalance()(code(logits=rows)).item(), rel=1e-6
    )


@pytest.mark.parametrize("floor", [0.0, -0.5, 1.5])
def test_refuses_a_floor_outside_of_0_to_1(floor):
    with pytest.raises(ValidationError, match="floor"):
        CategoryBalance(floor=floor)
