"""Self-labelling by optimal transport: sizes of the assignment, its limits, and the gradient."""

import math

import pytest
import torch
from torch import Tensor

from latentclust.api import HeadLogits, LatentclustError, Mask
from latentclust.bundled.losses.sinkhorn_labelling import SinkhornLabelling, assignment

LOGITS = HeadLogits(torch.randn(3, 2, 4, 5, 5, generator=torch.Generator().manual_seed(0)))
EVERYWHERE = Mask(torch.ones(3, 5, 5, dtype=torch.bool))
SIZES = torch.tensor([0.4, 0.3, 0.2, 0.1])


def sizes_of(log_p: Tensor, visible: Tensor = EVERYWHERE) -> Tensor:
    """Mean probability of each cluster over the visible pixels, (h, k)."""
    return (log_p.exp() * visible[:, None, None]).sum(dim=(0, 3, 4)) / visible.sum()


def test_clusters_of_the_assignment_have_the_given_sizes_and_pixels_have_probabilities() -> None:
    found = assignment(LOGITS, SIZES.log().expand(2, 4), EVERYWHERE, iterations=50)
    assert torch.allclose(found.exp().sum(dim=2), torch.ones(3, 2, 5, 5))
    assert torch.allclose(sizes_of(found), SIZES.expand(2, 4), atol=1e-5)


def test_the_assignment_is_a_scaling_of_the_scores() -> None:
    """Log ratios of two clusters differ from those of the scores by the same number at all pixels (Cuturi 2013)."""
    found = assignment(LOGITS, SIZES.log().expand(2, 4), EVERYWHERE, iterations=7)
    difference = (found - LOGITS)[:, :, 0] - (found - LOGITS)[:, :, 1]
    assert torch.allclose(difference, difference[:1, :, :1, :1].expand_as(difference), atol=1e-5)


def test_own_sizes_at_temperature_one_are_the_probabilities_themselves() -> None:
    """The loss of an equal view is then the mean entropy."""
    found = SinkhornLabelling(temperature=1.0)(LOGITS, LOGITS, EVERYWHERE)
    log_p = LOGITS.log_softmax(dim=2)
    assert float(found) == pytest.approx(float(-(log_p.exp() * log_p).sum(dim=2).mean()), abs=1e-5)


def test_own_sizes_are_kept_by_sharper_labels() -> None:
    """Without Sinkhorn a sharp cluster takes the pixels of others: here all from the second."""
    p = torch.tensor([[0.6, 0.4]] * 4).T.reshape(1, 1, 2, 2, 2)
    own = torch.tensor([[0.6, 0.4]])
    everywhere = Mask(torch.ones(1, 2, 2, dtype=torch.bool))
    assert torch.allclose(sizes_of((p.log() / 0.05).log_softmax(dim=2), everywhere), torch.eye(2)[:1], atol=1e-3)
    sharp = assignment(p.log() / 0.05, own.log(), everywhere, iterations=5)
    assert torch.allclose(sizes_of(sharp, everywhere), own, atol=1e-5)


def test_equal_sizes_split_pixels_that_are_alike() -> None:
    alike = HeadLogits(torch.tensor([2.0, 0.0]).view(1, 1, 2, 1, 1).expand(1, 1, 2, 3, 3))
    flat = HeadLogits(torch.zeros(1, 1, 2, 3, 3))
    visible = Mask(torch.ones(1, 3, 3, dtype=torch.bool))
    view = alike.clone().requires_grad_()
    SinkhornLabelling(sizes="equal")(alike, HeadLogits(view), visible).backward()
    expected = (alike.softmax(dim=2) - flat.softmax(dim=2)) / 9  # softmax minus labels, a ninth for each pixel
    assert view.grad is not None
    assert torch.allclose(view.grad, expected, atol=1e-6)


def test_shares_in_any_order_are_those_of_clusters_by_size() -> None:
    """The second cluster is the largest, so that it has the largest share."""
    alike = HeadLogits(torch.tensor([0.0, 1.0]).view(1, 1, 2, 1, 1).expand(1, 1, 2, 3, 3))
    visible = Mask(torch.ones(1, 3, 3, dtype=torch.bool))
    log_q = alike.log_softmax(dim=2)[0, 0, :, 0, 0]
    for shares in ((0.9, 0.1), (0.1, 0.9)):
        found = SinkhornLabelling(sizes=shares)(alike, alike, visible)
        assert float(found) == pytest.approx(-float(0.1 * log_q[0] + 0.9 * log_q[1]), abs=1e-5)


def test_pixels_outside_the_view_change_nothing() -> None:
    visible = EVERYWHERE.clone()
    visible[:, :, 3:] = False
    spoilt = LOGITS.clone()
    spoilt[..., 3:] = 50.0 * torch.randn(3, 2, 4, 5, 2, generator=torch.Generator().manual_seed(1))
    for sizes in ("own", "equal", (0.4, 0.3, 0.2, 0.1)):
        loss = SinkhornLabelling(sizes=sizes)
        found, expected = loss(HeadLogits(spoilt), LOGITS, Mask(visible)), loss(LOGITS, LOGITS, Mask(visible))
        assert float(found) == pytest.approx(float(expected), abs=1e-5)


def test_no_gradient_reaches_the_labels_and_a_batch_without_visible_pixels_is_zero() -> None:
    real, view = (HeadLogits(LOGITS.clone().requires_grad_()) for _ in range(2))
    SinkhornLabelling()(real, view, EVERYWHERE).backward()
    assert real.grad is None
    assert view.grad is not None
    assert float(SinkhornLabelling()(LOGITS, LOGITS, Mask(torch.zeros_like(EVERYWHERE)))) == 0.0


def test_certain_pixels_of_a_size_that_differs_keep_finite_labels() -> None:
    """Logits of 60 are certain in float32; equal sizes then are not reached, and nothing overflows."""
    certain = HeadLogits(torch.tensor([60.0, 0.0]).view(1, 1, 2, 1, 1).expand(1, 1, 2, 4, 4))
    found = SinkhornLabelling(sizes="equal", temperature=0.05)(certain, certain, Mask(torch.ones(1, 4, 4) > 0))
    assert math.isfinite(float(found))


def test_shares_must_be_those_of_all_clusters() -> None:
    with pytest.raises(LatentclustError, match="has 2 shares for 4 clusters"):
        SinkhornLabelling(sizes=(0.5, 0.5))(LOGITS, LOGITS, EVERYWHERE)
