"""Gaussian mixtures: scikit-learn's estimates, closed forms, merged components and smoothed maps."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture as Reference
from torch import Tensor, nn

from latentclust.api import Images, LatentclustError, Mask, Model, Posterior, Represents
from latentclust.bundled.categorical_map import CategoricalMap, mean_field
from latentclust.bundled.inference.gaussian_mixture import GaussianMixture
from latentclust.bundled.mixtures.expectation import Maximisation, maximise, one_pass
from latentclust.bundled.mixtures.merging import merged
from latentclust.bundled.mixtures.mixture import Mixture
from latentclust.bundled.neighbour_weights import contrast_precision
from latentclust.bundled.priors import OneHotGaussian

CENTRES = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
TINY = 1e-9


@pytest.fixture
def blobs(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Points of three correlated Gaussians of different shapes and sizes, and the Gaussian of each."""
    label = torch.tensor([0] * 300 + [1] * 150 + [2] * 50)
    mixing = torch.tensor([[[1.0, 0.6], [0.0, 0.5]], [[0.4, 0.0], [0.3, 0.8]], [[0.5, -0.2], [0.0, 0.5]]])
    noise = torch.randn(500, 1, 2, generator=rng)
    return CENTRES[label] + (noise @ mixing[label]).squeeze(1), label


def maximisation(points: Tensor, form: Any = "full", shrinkage: float = 0.0) -> Maximisation:
    return Maximisation.of_sample(form, shrinkage, TINY, points)


def fitted(spec: GaussianMixture, model: Model, images: Tensor, rng: torch.Generator, mask: Tensor | None = None):  # type: ignore[no-untyped-def]
    valid = torch.ones(len(images), *images.shape[2:], dtype=torch.bool) if mask is None else mask
    batches = [(Images(each), Mask(kept)) for each, kept in zip(images.split(2), valid.split(2), strict=True)]
    return spec.fit_valid(model, batches, rng)


def of_maps(clusters: int, coupling: float = 0.0) -> Model:
    return Model({}, CategoricalMap(clusters=clusters, style_dim=0, style_stride=1, coupling=coupling))


@pytest.mark.parametrize(("form", "name"), [("full", "full"), ("tied", "tied"), ("diagonal", "diag")])
def test_iterations_find_what_scikit_learn_finds(blobs: tuple[Tensor, Tensor], form: Any, name: str) -> None:
    points, label = blobs
    step = maximisation(points, form)
    found, likelihood = maximise(step, step.partition(points, label, 3), points, 500, 1e-9)
    reference = Reference(3, covariance_type=name, means_init=CENTRES.numpy(), tol=1e-9, max_iter=500, reg_covar=0)
    reference.fit(points.double().numpy())
    assert np.allclose(found.means, reference.means_, atol=1e-4)
    assert np.allclose(found.weights, reference.weights_, atol=1e-4)
    expected = {
        "full": reference.covariances_,
        "tied": reference.covariances_[None],
        "diag": [np.diag(each) for each in reference.covariances_],
    }
    assert np.allclose(found.covariances, expected[name], atol=1e-4)
    assert likelihood == pytest.approx(reference.score(points.double().numpy()), abs=1e-6)


def test_one_iteration_over_batches_is_one_over_all_points(blobs: tuple[Tensor, Tensor]) -> None:
    points, label = blobs
    step = maximisation(points)
    start = step.partition(points, label, 3)
    one, likelihood = one_pass(step, start, lambda: [points])
    other, same = one_pass(step, start, lambda: [points[:7], points[7:7], points[7:]])
    assert likelihood == pytest.approx(same)
    for name, value in one.state().items():
        torch.testing.assert_close(value, other.state()[name])


def test_values_far_from_the_origin_keep_their_covariance(blobs: tuple[Tensor, Tensor]) -> None:
    points, label = blobs
    near = maximisation(points).partition(points, label, 3)
    step = maximisation(points.double() + 1e7)
    far = step.partition(points.double() + 1e7, label, 3)
    torch.testing.assert_close(far.covariances, near.covariances, rtol=1e-5, atol=1e-6)


def test_a_channel_that_is_constant_in_the_sample_may_vary_later(blobs: tuple[Tensor, Tensor]) -> None:
    points, label = blobs
    constant = torch.cat((points, torch.full((500, 1), 7.0)), dim=1)
    step = Maximisation.of_sample("full", 0.0, 1e-3, constant)
    mixture = step.partition(constant.double(), label, 3)
    posteriors = [
        mixture.densities(torch.float32)(each).softmax(dim=1) for each in (constant, constant + torch.eye(3)[2])
    ]
    assert (posteriors[0].argmax(dim=1) == posteriors[1].argmax(dim=1)).float().mean() > 0.95
    assert posteriors[1].amax(dim=1).mean() > 0.9


def test_the_whole_of_shrinkage_ties_the_covariances(blobs: tuple[Tensor, Tensor]) -> None:
    points, label = blobs
    shrunk = maximisation(points, shrinkage=1.0).partition(points, label, 3)
    tied = maximisation(points, "tied").partition(points, label, 3)
    torch.testing.assert_close(shrunk.covariances, tied.covariances.expand(3, -1, -1))
    half = maximisation(points, shrinkage=0.5).partition(points, label, 3)
    full = maximisation(points).partition(points, label, 3)
    torch.testing.assert_close(half.covariances, (full.covariances + tied.covariances) / 2)


def test_a_component_without_points_stays(blobs: tuple[Tensor, Tensor]) -> None:
    points, label = blobs
    step = maximisation(points)
    start = step.partition(points, label, 3)
    away = start.means + torch.tensor([[0.0], [0.0], [1e6]])
    lost = Mixture(torch.tensor([0.6, 0.4, 0.0]).double(), away, start.covariances)
    found, _ = one_pass(step, lost, lambda: [points])
    assert torch.equal(found.means[2], lost.means[2])
    assert torch.equal(found.covariances[2], lost.covariances[2])
    assert found.weights[2] == 0


def test_densities_are_those_of_torch(blobs: tuple[Tensor, Tensor]) -> None:
    points, label = blobs
    mixture = maximisation(points).partition(points, label, 3)
    normal = torch.distributions.MultivariateNormal(mixture.means, mixture.covariances)
    expected = normal.log_prob(points.double()[:, None]) + mixture.weights.log()
    torch.testing.assert_close(mixture.densities(torch.float64)(points.double()), expected)


@pytest.mark.parametrize("linkage", ["ward", "overlap"])
def test_components_that_share_a_cluster_are_merged(linkage: Any, rng: torch.Generator) -> None:
    """Six components at the corners of two distant triangles."""
    corner = torch.tensor([[0.0, 0.0], [1.5, 0.0], [0.0, 1.5]])
    means = torch.cat((corner, corner + 20)).double()
    points = means.repeat(100, 1) + torch.randn(600, 2, generator=rng)
    mixture = Mixture(torch.full((6,), 1 / 6).double(), means, torch.eye(2).double()[None])
    posteriors = mixture.densities(torch.float64)(points).softmax(dim=1)
    assert merged(linkage, mixture, posteriors, 2).tolist() == [0, 0, 0, 1, 1, 1]
    assert merged(linkage, mixture, posteriors, 6).tolist() == list(range(6))


def test_ward_weighs_distances_by_size() -> None:
    """The two small components lie further apart than the large one from either, and yet are the ones to merge."""
    mixture = Mixture(
        torch.tensor([0.98, 0.01, 0.01]).double(),
        torch.tensor([[0.0], [1.0], [-0.9]]).double(),
        torch.ones(1, 1, 1).double(),
    )
    large, small, _ = merged("ward", mixture, torch.ones(1, 3), 2).tolist()
    assert large != small  # 0.01 * 1.9^2 / 2 is more than 0.98 * 0.01 / 0.99 * 0.9^2, which is of the other pair
    mixture = Mixture(mixture.weights, torch.tensor([[0.0], [1.0], [1.1]]).double(), mixture.covariances)
    assert merged("ward", mixture, torch.ones(1, 3), 2).tolist() == [0, 1, 1]


def test_the_posterior_of_a_cluster_is_the_sum_of_its_components(
    blobs: tuple[Tensor, Tensor], rng: torch.Generator
) -> None:
    points, _ = blobs
    model = Model({}, OneHotGaussian(clusters=2, style_dim=0))
    spec = GaussianMixture(components=5)
    state = fitted(spec, model, points, rng)
    found = spec.posterior(model, Images(points), state, rng).probabilities
    components = Mixture.of_state(state).densities(torch.float64)(points.double()).softmax(dim=1)
    expected = torch.stack([components[:, state["cluster"] == each].sum(dim=1) for each in (0, 1)], dim=1)
    torch.testing.assert_close(found, expected.float(), rtol=1e-4, atol=1e-5)


def test_pixels_are_recovered_and_invalid_ones_do_not_count(rng: torch.Generator) -> None:
    label = torch.randint(3, (4, 8, 8), generator=rng)
    images = CENTRES[label].movedim(-1, 1) + 0.3 * torch.randn(4, 2, 8, 8, generator=rng)
    spoilt, valid = images.clone(), torch.ones(4, 8, 8, dtype=torch.bool)
    spoilt[:, :, :2], valid[:, :2] = 900.0, False
    model, spec = of_maps(3), GaussianMixture()
    state = fitted(spec, model, spoilt, rng, valid)
    assert state["means"].max() < 5
    found = spec.posterior(model, Images(images), state, rng)
    assert found.probabilities.shape == (4, 3, 8, 8)
    assert adjusted_rand_score(label.flatten(), found.labels.flatten()) > 0.99


class Coarse(nn.Module):
    """The mean of every two by two pixels, as a trunk of label maps would return it."""

    def represent(self, sample: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(sample, 2)


def test_the_map_of_a_network_is_enlarged_and_needs_whole_cells(rng: torch.Generator) -> None:
    assert isinstance(Coarse(), Represents)
    images = CENTRES.T[:, :2].repeat_interleave(4, dim=1)[None, :, None].expand(2, 2, 6, 8) + 0.01 * torch.randn(
        2, 2, 6, 8, generator=rng
    )
    valid = torch.ones(2, 6, 8, dtype=torch.bool)
    spoilt = images.clone()
    spoilt[:, :, 1, 1], valid[:, 1, 1] = 900.0, False
    spec, model = GaussianMixture(network="trunk"), of_maps(2)
    model = Model({"trunk": Coarse()}, model.prior)
    assert spec.needs == spec.represents == ("trunk",)
    state = fitted(spec, model, spoilt, rng, valid)
    assert state["means"].max() < 5
    found = spec.posterior(model, Images(images), state, rng)
    assert found.probabilities.shape == (2, 2, 6, 8)
    assert found.labels[0, :, 0].unique().tolist() != found.labels[0, :, -1].unique().tolist()
    torch.testing.assert_close(found.probabilities.sum(dim=1), torch.ones(2, 6, 8))


@pytest.mark.parametrize(("options", "clusters"), [({}, 4), ({"components": 5}, 3)])
def test_too_few_distinct_values_are_an_error(options: dict[str, Any], clusters: int, rng: torch.Generator) -> None:
    images = torch.tensor([0.0, 0.5, 1.0])[torch.randint(3, (4, 1, 4, 4), generator=rng)]
    with pytest.raises(LatentclustError, match=r"components to 3 distinct values"):
        fitted(GaussianMixture(**options), of_maps(clusters), images, rng)


def test_fewer_components_than_clusters_are_an_objection() -> None:
    prior = OneHotGaussian(clusters=3, style_dim=0)
    assert GaussianMixture(components=2).objection(prior) == "2 components are fewer than 3 clusters"
    assert GaussianMixture(components=3).objection(prior) is GaussianMixture().objection(prior) is None


# Smoothing


@pytest.fixture
def smooth() -> Callable[..., Posterior]:
    """The posterior of one odd pixel in a map of two values, by a mixture that is given."""

    def posterior(coupling: float, **options: Any) -> Posterior:
        images = torch.zeros(1, 1, 9, 9)
        images[0, 0, 4, 4] = 1.0
        means, variance = torch.tensor([[0.0], [1.0]]).double(), torch.full((1, 1, 1), 0.5).double()
        state = Mixture(torch.tensor([0.5, 0.5]).double(), means, variance).state()
        spec, rng = GaussianMixture(**options), torch.Generator()
        return spec.posterior(of_maps(2, coupling), Images(images), {**state, "cluster": torch.arange(2)}, rng)

    return posterior


def test_a_coupling_removes_an_odd_pixel(smooth: Callable[..., Posterior]) -> None:
    """The odds of the values are e^1, and four neighbours that agree have e^(4 b)."""
    alone = smooth(0.0)
    odds = torch.e / (1 + torch.e)
    assert float(alone.probabilities[0, 1, 4, 4]) == pytest.approx(odds)
    assert int(alone.labels[0, 4, 4]) == 1
    assert torch.equal(smooth(2.0, smoothing=0).probabilities, alone.probabilities)
    coupled = smooth(2.0)
    assert int(coupled.labels.sum()) == 0
    torch.testing.assert_close(coupled.probabilities.sum(dim=1), torch.ones(1, 9, 9))


@pytest.mark.parametrize("iterations", [1, 3])
def test_mean_field_reaches_as_far_as_its_iterations_and_knows_no_place(iterations: int, rng: torch.Generator) -> None:
    field = torch.randn(1, 3, 12, 12, generator=rng)
    field[..., 0] = torch.nan
    found = mean_field(field, 1.0, iterations)
    assert found.isnan()[0, 0, 5].tolist() == [True] * (1 + iterations) + [False] * (11 - iterations)
    inner = mean_field(field[..., 1:, 2:], 1.0, iterations)  # begins on the other squares of a checkerboard
    deep = slice(iterations, -iterations)
    torch.testing.assert_close(inner[..., deep, deep], found[..., 1:, 2:][..., deep, deep], equal_nan=True)


def test_contrast_is_fitted_once_and_keeps_small_regions_with_strong_edges(rng: torch.Generator) -> None:
    """A lone pixel of another value has edges; the coupling without contrast removes it."""
    images = 0.05 * torch.randn(2, 1, 9, 9, generator=rng)
    images[:, :, 4, 4] += 1.0
    model = of_maps(2, coupling=60.0)
    state = fitted(GaussianMixture(contrast=4.0), model, images, rng)
    assert state["precision"].shape == (1,)
    kept, lost = (
        GaussianMixture(contrast=contrast).posterior(model, Images(images), state, rng).labels
        for contrast in (4.0, 0.0)
    )
    assert (kept[:, 4, 4] != kept[:, 0, 0]).all()
    assert (lost == lost[:, :1, :1]).all()
    assert "precision" not in fitted(GaussianMixture(), model, images, rng)


def test_contrast_without_a_coupling_is_an_objection() -> None:
    objection = "contrast = 2 weakens the coupling of neighbours, and the prior has none"
    spec = GaussianMixture(contrast=2.0)
    assert spec.objection(of_maps(2).prior) == spec.objection(OneHotGaussian(clusters=2, style_dim=0)) == objection
    assert spec.objection(of_maps(2, coupling=1.0).prior) is None


@pytest.mark.parametrize("contrast", [0.0, 1.0])
def test_pixels_without_data_do_not_vote(contrast: float, rng: torch.Generator) -> None:
    images = torch.randn(2, 2, 8, 8, generator=rng)
    valid = torch.ones(2, 8, 8, dtype=torch.bool)
    valid[0, :, 5:] = False
    model, spec = of_maps(2, coupling=3.0), GaussianMixture(contrast=contrast, n_init=1, max_iter=3)
    state = fitted(spec, model, images, rng)
    spoilt = torch.where(valid[:, None], images, 50.0)
    found, other = (
        spec.posterior_valid(model, Images(each), Mask(valid), state, rng).probabilities for each in (images, spoilt)
    )
    assert torch.equal(found[0, :, :, :5], other[0, :, :, :5])
    alone = spec.posterior(model, Images(images), state, rng).probabilities
    assert torch.equal(found[1], alone[1])
    assert not torch.allclose(found[0, :, :, 4], alone[0, :, :, 4])
    cut = spec.posterior(model, Images(images[:1, :, :, :5]), state, rng).probabilities
    torch.testing.assert_close(found[:1, :, :, :5], cut)


def test_the_contrast_of_a_coarse_map_is_that_of_the_enlarged_map(rng: torch.Generator) -> None:
    images = torch.randn(2, 2, 6, 8, generator=rng)
    spec = GaussianMixture(network="trunk", contrast=1.0, n_init=1, max_iter=3)
    model = Model({"trunk": Coarse()}, of_maps(2, coupling=1.0).prior)
    state = fitted(spec, model, images, rng)
    assert spec.posterior(model, Images(images), state, rng).probabilities.shape == (2, 2, 6, 8)
    enlarged = nn.functional.interpolate(nn.functional.avg_pool2d(images, 2), (6, 8), mode="bilinear")
    expected = contrast_precision([(enlarged, torch.ones(2, 6, 8, dtype=torch.bool))])
    torch.testing.assert_close(state["precision"], expected)
