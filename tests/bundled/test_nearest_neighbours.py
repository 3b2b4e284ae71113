"""The sample table of nearest neighbours, and the quantities that read it."""

import pytest
import torch
from sklearn.neighbors import NearestNeighbors as Reference

from latentclust.api import Code, Images, LatentclustError, Model
from latentclust.bundled import nearest_neighbours
from latentclust.bundled.nearest_neighbours import NearestNeighbours, nearest, principal_components
from latentclust.bundled.priors import OneHotGaussian
from latentclust.bundled.quantities import clusters_of_neighbour, clusters_of_real, code_of_neighbour

PRIOR = OneHotGaussian(clusters=2, style_dim=1)


class Second(torch.nn.Module):
    """A network whose representation drops the first of two values."""

    def represent(self, sample: torch.Tensor) -> torch.Tensor:
        return sample * torch.tensor([0.0, 1.0])


def compute(spec: NearestNeighbours, points: torch.Tensor, network: torch.nn.Module | None = None) -> torch.Tensor:
    networks = {} if network is None else {"trunk": network}
    batches = [Images(points[:2]), Images(points[2:])]
    return spec.compute(Model(networks, PRIOR), batches, torch.Generator())


def test_the_nearest_on_a_line() -> None:
    points = torch.tensor([[0.0], [0.1], [0.3], [0.7]])
    assert compute(NearestNeighbours(count=2), points).tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]


def test_neighbours_are_those_of_scikit_learn_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest_neighbours, "BLOCK", 7)
    points = torch.rand(40, 3, generator=torch.Generator().manual_seed(0))
    expected = Reference(n_neighbors=4).fit(points.numpy()).kneighbors(return_distance=False)
    assert nearest(points, 4).tolist() == expected.tolist()


def test_a_sample_is_not_its_own_neighbour_even_if_another_is_equal() -> None:
    assert nearest(torch.zeros(2, 3), 1).tolist() == [[1], [0]]


def test_the_representation_of_a_network_is_compared() -> None:
    points = torch.tensor([[0.0, 0.0], [0.0, 1.0], [5.0, 0.1]])
    assert compute(NearestNeighbours(count=1), points).tolist() == [[1], [0], [0]]
    assert compute(NearestNeighbours(count=1, network="trunk"), points, Second()).tolist() == [[2], [2], [0]]


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(LatentclustError, match="5 neighbours among 4 samples"):
        compute(NearestNeighbours(), torch.rand(4, 2))


def test_a_network_without_a_representation_is_refused() -> None:
    with pytest.raises(LatentclustError, match="'trunk' has no representation"):
        compute(NearestNeighbours(count=1, network="trunk"), torch.rand(4, 2), torch.nn.Linear(2, 2))


def test_the_category_of_an_encoder_is_one_sub_head() -> None:
    def encoder(images: Images) -> Code:
        return Code(logits=2 * images, style=images, features=images)

    images = Images(torch.rand(3, 2))
    code = code_of_neighbour(encoder, images)  # type: ignore[arg-type]
    assert torch.equal(clusters_of_neighbour(code), (2 * images)[:, None])
    assert torch.equal(clusters_of_real(code), clusters_of_neighbour(code))


def test_the_cosine_does_not_depend_on_lengths() -> None:
    points = torch.tensor([[1.0, 0.0], [9.0, 1.0], [0.0, 1.0], [1.0, 9.0]])
    assert compute(NearestNeighbours(count=1, metric="cosine"), points).tolist() == [[1], [0], [3], [2]]
    assert compute(NearestNeighbours(count=1), points).tolist() == [[2], [0], [0], [2]]


def test_principal_components_that_hold_all_variance_give_the_same_neighbours():
    rng = torch.Generator().manual_seed(0)
    points = torch.randn(60, 3, generator=rng) @ torch.randn(3, 20, generator=rng) + 5
    reduced = principal_components(points, 3)
    assert reduced.shape == (60, 3)
    torch.testing.assert_close(reduced.mean(dim=0), torch.zeros(3), atol=1e-4, rtol=0)
    assert torch.equal(nearest(reduced, 5), nearest(points, 5))
