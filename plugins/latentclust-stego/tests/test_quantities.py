import pytest
import torch
from latentclust.api import Features, LatentclustError, Similarities

from latentclust_stego.centroids import CosineCentroids, CosineKMeans
from latentclust_stego.quantities import (
    OTHERS,
    SIDE,
    Points,
    at,
    derangements,
    other_points,
    points,
    sampled,
    sampled_others,
    similarities,
)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("batch", [2, 3, 16])
def test_derangements_are_permutations_without_a_fixed_point(batch: int):
    for seed in range(20):
        found = derangements(batch, rng(seed))
        assert found.shape == (OTHERS, batch)
        assert found.sort(dim=1).values.eq(torch.arange(batch)).all()
        assert found.ne(torch.arange(batch)).all()


def test_every_other_image_is_as_likely():
    draws = torch.cat([derangements(4, rng(seed)) for seed in range(2000)])
    shares = torch.stack([(draws == other).float().mean(dim=0) for other in range(4)])
    torch.testing.assert_close(shares, (1 - torch.eye(4)) / 3, atol=0.02, rtol=0)


def test_one_image_has_no_other():
    with pytest.raises(LatentclustError, match=r"train\.batch_size: 1, and each image is compared with another"):
        derangements(1, rng())


def test_points_cover_the_image_evenly_and_follow_the_generator():
    drawn = points(200, rng())
    assert drawn.shape == (200, SIDE * SIDE, 2)
    assert -1 <= drawn.min() < -0.99
    assert 0.99 < drawn.max() <= 1
    torch.testing.assert_close(drawn.mean(dim=(0, 1)), torch.zeros(2), atol=0.02, rtol=0)
    assert points(2, rng(5)).equal(points(2, rng(5)))
    shared = rng(5)
    assert points(2, shared).ne(other_points(2, shared)).any()


def test_points_read_a_ramp_where_they_lie():
    width, height = 8, 4
    across = (torch.arange(width) + 0.5) / width
    down = (torch.arange(height) + 0.5) / height
    ramp = Features(torch.stack((across.expand(height, width), down[:, None].expand(height, width)))[None])
    places = Points(torch.tensor([[[0.0, 0.0], [-0.5, 0.25], [0.8, -0.7]]]))
    torch.testing.assert_close(at(ramp, places), (places + 1) / 2)


def test_beyond_the_outermost_centres_the_edge_repeats():
    maps = Features(torch.tensor([[[[1.0, 2.0]]]]))
    assert at(maps, Points(torch.tensor([[[-1.0, 0.0], [1.0, 0.0]]]))).flatten().tolist() == [1.0, 2.0]


def test_whole_images_have_no_points():
    with pytest.raises(LatentclustError, match=r"features of shape \(3,\) are not a map"):
        at(Features(torch.zeros(2, 3)), points(2, rng()))


def test_others_are_read_at_their_own_points_in_the_order_of_the_derangements():
    features, codes = Features(torch.rand(3, 2, 4, 4, generator=rng())), Features(torch.rand(3, 5, 4, 4))
    places, others = other_points(3, rng(1)), derangements(3, rng(2))
    own, found = sampled(features, codes, places), sampled_others(features, codes, places, others)
    for time, permutation in enumerate(others):
        for image, other in enumerate(permutation.tolist()):
            torch.testing.assert_close(found.features[3 * time + image], own.features[other])
            torch.testing.assert_close(found.codes[3 * time + image], own.codes[other])


def test_codes_learn_nothing_from_the_centroids():
    codes = torch.rand(2, 3, 4, 4, requires_grad=True)
    network = CosineCentroids().centroids(5, 3)
    found = similarities(network, Features(codes))
    assert found.shape == (2, 5, 4, 4)
    found.sum().backward()
    assert codes.grad is None
    assert network.centroids.grad.abs().max() > 0


def test_similarities_are_cosines():
    network = CosineCentroids().centroids(2, 2)
    with torch.no_grad():
        network.centroids.copy_(torch.tensor([[3.0, 0.0], [0.0, 0.1]]))
    found = network(torch.tensor([[2.0, 2.0], [0.0, -1.0], [0.0, 0.0]]))
    torch.testing.assert_close(found, torch.tensor([[0.5**0.5, 0.5**0.5], [0.0, -1.0], [0.0, 0.0]]))


def test_the_loss_of_the_centroids_is_the_cosine_distance_to_the_nearest():
    term = CosineKMeans()(Similarities(torch.tensor([[[0.2, 1.0]], [[0.5, -1.0]]]).transpose(0, 1)))
    torch.testing.assert_close(term, torch.tensor(1 - (0.5 + 1.0) / 2))


def test_only_the_nearest_centroid_moves_and_towards_the_code():
    network = CosineCentroids().centroids(2, 2)
    with torch.no_grad():
        network.centroids.copy_(torch.eye(2))
    code = torch.tensor([[1.0, 0.5]])
    CosineKMeans()(Similarities(network(code))).backward()
    assert network.centroids.grad[1].eq(0).all()
    moved = network.centroids.detach() - 0.1 * network.centroids.grad
    assert torch.cosine_similarity(moved[:1], code) > torch.cosine_similarity(network.centroids[:1].detach(), code)
