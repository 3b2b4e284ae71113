"""The backbone `centroids`, the start `kmeans` that sets its points, and the inference by the nearest of them."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from latentclust.api import LatentclustError, Model
from latentclust.assemble.experiment import assemble
from latentclust.assemble.resolve import Resolved
from latentclust.bundled.backbones.centroids import Centroids, Points
from latentclust.bundled.centroid_start import KMeansStart
from latentclust.bundled.inference.nearest_centroid import NearestCentroid
from latentclust.bundled.priors import Gaussian
from latentclust.errors import Issue
from latentclust.networks.images import CentroidsNetwork, EncoderNetwork
from latentclust.tensors import Features, Images

PRIOR = Gaussian(clusters=3, style_dim=2)
CORNERS = torch.tensor([[4.0, 0.0], [0.0, 4.0], [-4.0, -4.0]])


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def network(similarity: str = "euclidean", points: Tensor = CORNERS) -> CentroidsNetwork:
    body = Points(*points.shape, similarity)  # type: ignore[arg-type]
    body.load_state_dict({"points": points})
    return CentroidsNetwork(body)


def planted(rng: torch.Generator) -> Images:
    return Images(CORNERS.repeat(20, 1) + 0.2 * torch.randn(60, 2, generator=rng))


def test_similarities_are_minus_squared_distances_or_cosines() -> None:
    features = Features(torch.tensor([[4.0, 3.0], [0.0, 0.0]]))
    torch.testing.assert_close(network()(features), torch.tensor([[-9.0, -17.0, -113.0], [-16.0, -16.0, -32.0]]))
    expected = torch.tensor([[0.8, 0.6, -1.4 / 2**0.5], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(network("cosine")(features), expected)
    maps = Features(features.T[None, :, :, None])  # (1, 2, 2, 1)
    assert torch.equal(network()(maps)[0, :, :, 0].T, network()(features))


def test_the_start_finds_planted_centroids(rng: torch.Generator) -> None:
    model = Model({"centroids": network(points=torch.zeros(3, 2))}, PRIOR)
    weights = KMeansStart().weights(model, [planted(rng), planted(rng)], rng)
    assert set(weights) == {"centroids.body.points"}
    found = weights["centroids.body.points"]
    torch.testing.assert_close(found[found[:, 0].argsort()], CORNERS.flip(0)[[0, 1, 2]], atol=0.1, rtol=0)


def test_the_start_of_centroids_by_cosine_ignores_lengths(rng: torch.Generator) -> None:
    model = Model({"centroids": network("cosine", torch.zeros(3, 2))}, PRIOR)
    images = planted(rng)
    scaled = Images(images * torch.rand(60, 1, generator=rng).add(0.1))
    first, second = (
        KMeansStart().weights(model, [batch], torch.Generator().manual_seed(1))["centroids.body.points"]
        for batch in (images, scaled)
    )
    torch.testing.assert_close(first, second, atol=1e-4, rtol=0)
    assert first.norm(dim=1).max() <= 1 + 1e-5


def test_the_start_reads_positions_of_maps(rng: torch.Generator) -> None:
    model = Model({"centroids": network(points=torch.zeros(3, 2))}, PRIOR)
    maps = Images(planted(rng).view(3, 20, 2).movedim(2, 1).unflatten(2, (4, 5)))
    found = KMeansStart().weights(model, [maps], rng)["centroids.body.points"]
    torch.testing.assert_close(found[found[:, 0].argsort()], CORNERS.flip(0), atol=0.2, rtol=0)


def test_the_start_refuses_networks_without_points_and_other_widths(rng: torch.Generator) -> None:
    with pytest.raises(LatentclustError, match="'critic' has no points"):
        KMeansStart(network="critic").weights(Model({"critic": torch.nn.Identity()}, PRIOR), [planted(rng)], rng)
    with pytest.raises(LatentclustError, match="has points of 4 values, and reads 2"):
        KMeansStart().weights(Model({"centroids": network(points=torch.zeros(3, 4))}, PRIOR), [planted(rng)], rng)


@pytest.mark.parametrize("similarity", ["euclidean", "cosine"])
def test_the_nearest_centroid_is_the_cluster_and_the_temperature_sharpens(
    rng: torch.Generator, similarity: str
) -> None:
    model = Model({"centroids": network(similarity)}, PRIOR)
    images = planted(rng)
    soft, sharp = (NearestCentroid(temperature=t).posterior(model, images, {}, rng) for t in (1.0, 0.1))
    assert soft.labels.tolist() == sharp.labels.tolist() == [0, 1, 2] * 20
    assert (sharp.probabilities.amax(1) >= soft.probabilities.amax(1)).all()
    assert soft.style.shape == (60, 0)


def test_the_posterior_of_a_map_has_the_size_of_the_images(rng: torch.Generator) -> None:
    model = Model({"centroids": network(), "trunk": torch.nn.AvgPool2d(2)}, PRIOR, {"centroids": "trunk"})
    posterior = NearestCentroid().posterior(model, Images(torch.rand(2, 2, 6, 8, generator=rng)), {}, rng)
    assert posterior.probabilities.shape == (2, 3, 6, 8)
    torch.testing.assert_close(posterior.probabilities.sum(1), torch.ones(2, 6, 8))


def test_a_network_of_another_role_is_refused(rng: torch.Generator) -> None:
    model = Model({"critic": torch.nn.Identity()}, PRIOR)
    with pytest.raises(LatentclustError, match="'critic' does not return one similarity per cluster"):
        NearestCentroid(network="critic").posterior(model, planted(rng), {}, rng)


@pytest.fixture
def on_codes(tables: dict[str, Any]) -> dict[str, Any]:
    """The small recipe whose centroids read codes; a last stage begins with k-means of them."""
    tables["networks"]["centroids"] = {"use": "centroids", "reads": "latent", "frozen": True}
    tables["inference"] = {"use": "nearest-centroid"}
    tables["stages"] = {"all": {"rounds": 2, "start": "kmeans"}}
    return tables


def test_centroids_read_codes(on_codes: dict[str, Any], resolved: Callable[..., Resolved]) -> None:
    experiment = assemble(resolved(on_codes), ())
    prior = experiment.resolved.prior
    centroids, encoder = experiment.networks["centroids"], experiment.networks["encoder"].eval()
    assert isinstance(encoder, EncoderNetwork)
    assert centroids.body.points.shape == (prior.clusters, prior.width)
    model = experiment.resolved.model(experiment.networks)
    images = Images(torch.rand(3, *experiment.shape))
    torch.testing.assert_close(model.read("centroids", images), centroids(encoder(images).vector()))
    posterior = NearestCentroid().posterior(model, images, {}, torch.Generator())
    torch.testing.assert_close(posterior.probabilities, model.read("centroids", images).softmax(dim=1))
    torch.testing.assert_close(posterior.style, encoder(images).style)
    with pytest.raises(LatentclustError, match=r"networks\.centroids"):
        centroids(torch.zeros(2, prior.width + 1))


@pytest.mark.parametrize("source", ["generator", "encodr"])
def test_codes_are_those_of_an_encoder(
    on_codes: dict[str, Any], issues: Callable[..., tuple[Issue, ...]], source: str
) -> None:
    on_codes["networks"]["centroids"]["features_of"] = source
    (told,) = issues(on_codes)
    assert (told.where, told.what) == (
        "networks.centroids.features_of",
        f"{source!r} is not an encoder of this recipe, and 'centroids' reads codes",
    )


def test_points_are_as_wide_as_they_are_told() -> None:
    assert Centroids().centroids(5, 7).points.shape == (5, 7)
