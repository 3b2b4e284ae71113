"""k-means on codes and on features: planted clusters, the posterior's definition, and its limits."""

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from torch import Tensor, nn

from latentclust.api import LatentclustError, Model
from latentclust.bundled.inference.kmeans import (
    SMALLEST_VARIANCE,
    KMeansOnCode,
    KMeansOnFeatures,
    centroid_probabilities,
    fit_centroids,
)
from latentclust.bundled.priors import OneHotGaussian

CLUSTERS, STYLE = 3, 2
PRIOR = OneHotGaussian(clusters=CLUSTERS, style_dim=STYLE)


@pytest.fixture
def planted(rng) -> tuple[Tensor, Tensor]:
    """Vectors that say nothing by their logits and lie about three well separated styles; and which of the three."""
    labels = torch.arange(60) % CLUSTERS
    centres = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    style = centres[labels] + 0.1 * torch.randn(60, STYLE, generator=rng)
    return torch.cat((torch.zeros(60, CLUSTERS), style), dim=1), labels


@pytest.mark.parametrize(("inference", "role"), [(KMeansOnCode(), "encoder"), (KMeansOnFeatures(), "critic")])
def test_recovers_planted_clusters(inference, role, planted, encoder, rng):
    images, labels = planted
    assert inference.needs == (role,)
    model = Model({role: encoder(CLUSTERS)}, PRIOR)
    state = inference.fit(model, images.split(16), rng)
    posterior = inference.posterior(model, images, state, rng)
    assert adjusted_rand_score(labels, posterior.labels) == 1.0
    torch.testing.assert_close(posterior.probabilities.sum(dim=1), torch.ones(60))
    assert {name: (tuple(value.shape), value.dtype) for name, value in state.items()} == {
        "centroids": ((CLUSTERS, CLUSTERS + STYLE), torch.float32),
        "variance": ((), torch.float32),
    }


def test_on_code_clusters_probabilities_beside_style_and_returns_that_style(planted, encoder, rng):
    images, labels = planted
    model = Model({"encoder": encoder(CLUSTERS)}, PRIOR)
    state = KMeansOnCode().fit(model, [images], rng)
    found = KMeansOnCode().posterior(model, images, state, rng)
    means = torch.stack([images[labels == label, CLUSTERS:].mean(dim=0) for label in range(CLUSTERS)])
    expected = torch.cat((torch.full((CLUSTERS, CLUSTERS), 1 / CLUSTERS), means), dim=1)
    ordered = state["centroids"][[int(found.labels[label]) for label in range(CLUSTERS)]]
    torch.testing.assert_close(ordered, expected)
    assert torch.equal(found.style, images[:, CLUSTERS:])


@pytest.fixture
def crossed(rng) -> tuple[Tensor, dict[str, Tensor]]:
    """Vectors whose logits and styles are clustered in two independent ways, and the clusters of each part."""
    category = torch.arange(180) % CLUSTERS
    style = torch.arange(180) // CLUSTERS % CLUSTERS
    centres = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    images = torch.cat((8 * torch.eye(CLUSTERS)[category], centres[style]), dim=1)
    return images + 0.1 * torch.randn(images.shape, generator=rng), {"category": category, "style": style}


@pytest.mark.parametrize("part", ["category", "style"])
def test_one_part_of_the_code_is_clustered_alone(part, crossed, encoder, rng):
    images, labels = crossed
    inference, model = KMeansOnCode(part=part), Model({"encoder": encoder(CLUSTERS)}, PRIOR)
    state = inference.fit(model, images.split(50), rng)
    posterior = inference.posterior(model, images, state, rng)
    assert adjusted_rand_score(labels[part], posterior.labels) == 1.0
    other = labels["style" if part == "category" else "category"]
    assert adjusted_rand_score(other, posterior.labels) == pytest.approx(0.0, abs=0.05)
    assert state["centroids"].shape == (CLUSTERS, {"category": CLUSTERS, "style": STYLE}[part])
    assert torch.equal(posterior.style, images[:, CLUSTERS:]), "the style is returned whatever is clustered"


def test_by_default_the_whole_code_is_clustered(crossed, encoder, rng):
    model = Model({"encoder": encoder(CLUSTERS)}, PRIOR)
    first, again = (
        inference.fit(model, [crossed[0]], torch.Generator().manual_seed(3))
        for inference in (KMeansOnCode(), KMeansOnCode(part="all"))
    )
    assert torch.equal(first["centroids"], again["centroids"])
    assert first["centroids"].shape == (CLUSTERS, CLUSTERS + STYLE)


def test_a_style_without_values_cannot_be_clustered_alone():
    without = OneHotGaussian(clusters=CLUSTERS, style_dim=0)
    assert KMeansOnCode(part="style").objection(without) == 'part is "style", and style_dim is 0'
    assert KMeansOnCode(part="style").objection(PRIOR) is None
    assert KMeansOnCode().objection(without) is None
    assert [KMeansOnCode().clusters_style_of(prior) for prior in (PRIOR, without)] == ["encoder", None]
    assert KMeansOnCode(part="category").clusters_style_of(PRIOR) is None


def test_on_features_has_no_style(planted, encoder, rng):
    model = Model({"critic": encoder(CLUSTERS)}, PRIOR)
    state = KMeansOnFeatures().fit(model, [planted[0]], rng)
    assert KMeansOnFeatures().posterior(model, planted[0], state, rng).style.shape == (60, 0)


def test_the_variance_is_the_mean_square_within_clusters_a_dimension(planted, rng):
    points, labels = planted
    centred = points.clone()
    for label in range(CLUSTERS):
        centred[labels == label] -= points[labels == label].mean(dim=0)
    state = fit_centroids(points, CLUSTERS, 10, rng)
    torch.testing.assert_close(state["variance"], centred.square().mean(), rtol=1e-4, atol=0)


def test_probabilities_are_the_responsibilities_of_equal_gaussians(rng):
    points, centroids = torch.randn(7, 4, generator=rng), torch.randn(3, 4, generator=rng)
    squares = ((points.double().numpy()[:, None] - centroids.double().numpy()) ** 2).sum(axis=2)
    densities = np.exp(-squares / (2 * 0.5))
    found = centroid_probabilities(points, {"centroids": centroids, "variance": torch.tensor(0.5)})
    np.testing.assert_allclose(found.numpy(), densities / densities.sum(axis=1, keepdims=True), rtol=1e-4)


def test_permuting_images_permutes_the_posterior(planted, encoder, rng):
    images = planted[0]
    model = Model({"encoder": encoder(CLUSTERS)}, PRIOR)
    state = KMeansOnCode().fit(model, [images], rng)
    order = torch.randperm(60, generator=rng)
    there = KMeansOnCode().posterior(model, images[order], state, rng).probabilities
    torch.testing.assert_close(there, KMeansOnCode().posterior(model, images, state, rng).probabilities[order])


def test_the_same_seed_finds_the_same_centroids_in_the_same_order(planted):
    first, again = (fit_centroids(planted[0], CLUSTERS, 1, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first["centroids"], again["centroids"])


def test_points_on_their_centroids_keep_finite_probabilities(rng):
    points = torch.eye(3).repeat(4, 1)
    state = fit_centroids(points, 3, 1, rng)
    assert state["variance"].item() == pytest.approx(SMALLEST_VARIANCE)
    far = torch.cat((points, 1e3 * torch.ones(1, 3)))
    found = centroid_probabilities(far, state)
    torch.testing.assert_close(found.sum(dim=1), torch.ones(13))
    torch.testing.assert_close(found[:12].amax(dim=1), torch.ones(12))


def test_refuses_fewer_images_than_clusters(rng):
    with pytest.raises(LatentclustError, match=r"prior\.clusters: cannot fit 3 clusters to 2 samples"):
        fit_centroids(torch.zeros(2, 4), 3, 10, rng)


def test_refuses_a_network_without_a_representation(rng):
    model = Model({"critic": nn.Identity()}, PRIOR)
    with pytest.raises(LatentclustError, match=r"networks\.critic: 'critic' has no representation"):
        KMeansOnFeatures().fit(model, [torch.zeros(4, 5)], rng)
