"""The losses of SimCLR and SCAN at values that are known."""

import math

import pytest
import torch
from torch.nn import functional

from latentclust.api import LatentclustError
from latentclust.bundled.losses.cluster_entropy import ClusterEntropy
from latentclust.bundled.losses.contrastive import Contrastive
from latentclust.bundled.losses.neighbour_consistency import NeighbourConsistency
from latentclust.bundled.losses.self_labelling import SelfLabelling


def certain(clusters: list[int], k: int = 3) -> torch.Tensor:
    """Logits `(b, 1, k)` of a sub-head that is sure of its clusters."""
    return 1e3 * functional.one_hot(torch.tensor(clusters), k).float().unsqueeze(1)


def logits_of(probabilities: list[list[float]]) -> torch.Tensor:
    """Logits `(b, 1, k)` of given probabilities."""
    return torch.tensor(probabilities).log().unsqueeze(1)


def test_contrastive_of_equal_projections_is_that_of_guessing() -> None:
    assert Contrastive()(torch.ones(4, 3), torch.ones(4, 3)).item() == pytest.approx(math.log(7))


def test_contrastive_of_distinct_pairs_vanishes_at_a_low_temperature() -> None:
    pairs = torch.eye(4)
    assert Contrastive(temperature=0.01)(pairs, 3 * pairs).item() == pytest.approx(0, abs=1e-6)
    expected = math.log(1 + 6 * math.exp(-2))  # one similarity of 1 and six of 0, at the temperature 1/2
    assert Contrastive()(pairs, 3 * pairs).item() == pytest.approx(expected, rel=1e-5)


def test_contrastive_is_symmetric_and_independent_of_lengths_and_order(normal) -> None:
    one, other, order = normal(6, 5), normal(6, 5), torch.randperm(6, generator=torch.Generator().manual_seed(1))
    loss = Contrastive()(one, other)
    torch.testing.assert_close(Contrastive()(other, one), loss)
    torch.testing.assert_close(Contrastive()(one * torch.rand(6, 1).add(0.1), other), loss)
    torch.testing.assert_close(Contrastive()(one[order], other[order]), loss)


def test_contrastive_refuses_maps(normal) -> None:
    with pytest.raises(LatentclustError, match="one vector per image"):
        Contrastive()(normal(2, 3, 4, 4), normal(2, 3, 4, 4))


def test_consistency_is_the_negative_log_of_the_inner_product(normal) -> None:
    one, other = normal(5, 2, 4), normal(5, 2, 4)
    expected = -(one.softmax(2) * other.softmax(2)).sum(2).log().mean()
    torch.testing.assert_close(NeighbourConsistency()(one, other), expected)


def test_consistency_vanishes_for_equal_certain_clusters_and_is_chance_for_uniform_ones() -> None:
    loss = NeighbourConsistency()
    assert loss(certain([0, 2, 1]), certain([0, 2, 1])).item() == pytest.approx(0, abs=1e-6)
    assert loss(torch.zeros(3, 2, 5), torch.zeros(3, 2, 5)).item() == pytest.approx(loss.chance(5))


def test_consistency_of_certain_disagreement_has_a_gradient() -> None:
    one = (certain([0]) / 10).requires_grad_()
    NeighbourConsistency()(one, certain([1]) / 10).backward()
    assert one.grad is not None
    assert one.grad.abs().max() > 0.1


def test_consistency_refuses_maps_and_other_shapes(normal) -> None:
    for other in (normal(2, 3, 5), normal(2, 3, 4, 6, 6)):
        with pytest.raises(LatentclustError, match="of the same shape"):
            NeighbourConsistency()(normal(2, 3, 4), other)


def test_entropy_is_least_for_clusters_of_equal_size() -> None:
    loss = ClusterEntropy()
    assert loss(certain([0, 1, 2])).item() == pytest.approx(-math.log(3))
    assert loss(certain([1, 1, 1])).item() == pytest.approx(0, abs=1e-6)
    assert loss(certain([0, 0, 0, 1])).item() == pytest.approx(0.75 * math.log(0.75) + 0.25 * math.log(0.25), rel=1e-5)


def test_entropy_of_maps_is_that_of_all_pixels(normal) -> None:
    maps = normal(2, 3, 4, 5, 6)
    pixels = maps.movedim(2, -1).movedim(1, -2).reshape(-1, 3, 4)
    torch.testing.assert_close(ClusterEntropy()(maps), ClusterEntropy()(pixels))


def test_self_labelling_is_the_cross_entropy_of_confident_samples_with_equal_weight_of_clusters() -> None:
    images = logits_of([[0.98, 0.01, 0.01], [0.98, 0.01, 0.01], [0.01, 0.98, 0.01], [0.5, 0.3, 0.2]])
    views = logits_of([[0.5, 0.3, 0.2], [0.25, 0.5, 0.25], [0.1, 0.6, 0.3], [0.1, 0.1, 0.8]])
    expected = (-(math.log(0.5) + math.log(0.25)) / 2 - math.log(0.6)) / 2
    assert SelfLabelling(threshold=0.9)(images, views).item() == pytest.approx(expected, rel=1e-5)


def test_self_labelling_is_zero_without_confident_samples() -> None:
    assert SelfLabelling()(torch.zeros(4, 2, 3), torch.zeros(4, 2, 3)).item() == 0


def test_no_gradient_flows_into_the_labels(normal) -> None:
    images, views = normal(4, 2, 3).requires_grad_(), normal(4, 2, 3).requires_grad_()
    SelfLabelling(threshold=0.4)(images, views).backward()
    assert images.grad is None
    assert views.grad is not None
    assert views.grad.abs().sum() > 0


def test_self_labelling_refuses_maps(normal) -> None:
    with pytest.raises(LatentclustError, match="of the same shape"):
        SelfLabelling()(normal(2, 3, 4, 5, 5), normal(2, 3, 4, 5, 5))
