"""Langevin-Gibbs inference against exact posteriors, and every way in which its chains may be kept."""

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from latentclust.api import LatentclustError, Model
from latentclust.bundled.categorical_map import draw, one_hot
from latentclust.bundled.inference.langevin import JointDensity
from latentclust.bundled.inference.langevin_gibbs import LangevinGibbs, cluster_energies
from latentclust.bundled.priors import Gaussian, OneHotGaussian

CLUSTERS, STYLE, VALUES = 3, 2, 6
PRIOR = OneHotGaussian(clusters=CLUSTERS, style_dim=STYLE, sigma=1.0)


@pytest.fixture
def model(linear_generator, rng) -> Model:
    """Means that lie near to one another, and slopes common to all clusters."""
    means = 0.6 * torch.randn(CLUSTERS, VALUES, generator=rng)
    return Model({"generator": linear_generator(torch.cat((means, torch.randn(STYLE, VALUES, generator=rng))))}, PRIOR)


@pytest.fixture
def images(model, rng) -> Tensor:
    return model.networks["generator"](PRIOR.sample(8, rng)).detach() + 0.3 * torch.randn(8, VALUES, generator=rng)


def marginal(model: Model, images: Tensor, noise: float) -> Tensor:
    """p(y | x) with the style integrated out: x given y is Gaussian about the mean of y; float64."""
    weight = model.networks["generator"].weight.detach().double()
    slopes = weight[CLUSTERS:]
    covariance = slopes.T @ slopes + noise**2 * torch.eye(VALUES, dtype=torch.float64)
    densities = [torch.distributions.MultivariateNormal(mean, covariance) for mean in weight[:CLUSTERS]]
    return torch.stack([density.log_prob(images.double()) for density in densities], dim=1).softmax(dim=1)


@torch.no_grad()
def test_long_chains_average_to_the_exact_posterior(model, images, rng):
    inference = LangevinGibbs(steps=25, step_size=0.02, noise=0.6, burn_in=15, sweeps=60)
    chains = inference.posterior(model, images.repeat(100, 1), {}, rng).probabilities
    found = chains.view(100, 8, CLUSTERS).mean(dim=0)
    torch.testing.assert_close(found.double(), marginal(model, images, 0.6), atol=0.03, rtol=0)


@torch.no_grad()
def test_the_clusters_posterior_given_one_style_matches_brute_force(model, images, rng):
    generator, style = model.networks["generator"], torch.randn(8, STYLE, generator=rng)
    found = cluster_energies(JointDensity(generator, 0.4, 1.0), images, style[:, None].expand(-1, CLUSTERS, -1))
    weight = generator.weight.double()
    for row in range(8):
        terms = []
        for cluster in range(CLUSTERS):
            drawn = weight[cluster] + style[row].double() @ weight[CLUSTERS:]
            terms.append(-((images[row].double() - drawn) ** 2).sum() / (2 * 0.4**2))
        brute = torch.stack([term.exp() for term in terms])
        torch.testing.assert_close((-found[row]).softmax(dim=0).double(), brute / brute.sum(), atol=1e-6, rtol=1e-4)


@torch.no_grad()
def test_a_chain_per_cluster_is_kept_for_all_sweeps_of_new_images(linear_generator, rng):
    """Two means apart along one axis, and a style along the other, whose posterior is Gaussian with a known mean."""
    means, slope = torch.tensor([[0.0, 0.0], [4.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    model = Model(
        {"generator": linear_generator(torch.cat((means, slope)))}, OneHotGaussian(clusters=2, style_dim=1, sigma=1.0)
    )
    images = torch.tensor([[0.0, 2.0], [4.0, -1.0]]).repeat_interleave(200, 0)
    inference = LangevinGibbs(chains="cluster", steps=4, step_size=0.05, noise=0.5, burn_in=10, sweeps=40)
    found = inference.posterior(model, images, {}, rng)
    assert torch.equal(found.labels, torch.tensor([0, 1]).repeat_interleave(200))
    styles = found.style.view(2, 200).mean(dim=1)
    torch.testing.assert_close(styles, torch.tensor([2.0, -1.0]) / (1 + 0.5**2), atol=0.05, rtol=0)


def test_draws_follow_their_probabilities(rng):
    probabilities = torch.tensor([0.0, 0.2, 0.5, 0.3, 0.0])
    counts = torch.bincount(draw(probabilities.expand(20_000, -1), rng), minlength=5)
    assert counts[0] == counts[4] == 0
    assert (counts / 20_000 - probabilities).abs().max() < 5 * 0.5 / 20_000**0.5


def begin(inference: LangevinGibbs, model: Model, images: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
    return inference.begin(model, images.split(3), rng)


@pytest.mark.parametrize("chains", ["sample", "cluster"])
def test_a_round_moves_the_chains_and_provides_what_it_sampled(model, images, rng, chains):
    inference = LangevinGibbs(steps=5, noise={"start": 2.0, "end": 0.5}, chains=chains)
    state = begin(inference, model, images, rng)
    assert state["style"].shape == ((8, STYLE) if chains == "sample" else (8, CLUSTERS, STYLE))
    found = inference.advance(model, images, state, 0.5, rng)
    assert set(found.quantities) == set(inference.provides)
    assert found.quantities["noise_scale"].item() == pytest.approx(1.25)
    sample, label = found.quantities["posterior_sample"], found.chains["label"]
    assert torch.equal(sample.category, one_hot(label, CLUSTERS))
    kept = found.chains["style"]
    assert torch.equal(sample.style, kept if chains == "sample" else kept[torch.arange(8), label])
    assert not torch.equal(kept, state["style"])
    assert all(number.dim() == 0 and torch.isfinite(number) for number in found.diagnostics.values())


def test_each_cluster_keeps_a_style_that_knows_nothing_of_the_others(model, images):
    """With one style for every cluster the chains of cluster 1 do not depend on where those of cluster 2 are."""
    inference = LangevinGibbs(steps=4, chains="cluster")
    state = begin(inference, model, images, torch.Generator().manual_seed(1))
    moved = {**state, "style": state["style"].clone()}
    moved["style"][:, 2] += 1.0
    first, second = (
        inference.advance(model, images, chains, 0.0, torch.Generator().manual_seed(2)).chains["style"]
        for chains in (state, moved)
    )
    assert torch.equal(first[:, :2], second[:, :2])
    assert not torch.equal(first[:, 2], second[:, 2])


def test_held_labels_stay_until_they_are_let_go(model, images, rng):
    inference = LangevinGibbs(steps=2, noise=0.05, hold_label=0.5, label="map")
    state = begin(inference, model, images, rng)
    held = inference.advance(model, images, state, 0.49, rng).chains["label"]
    free = inference.advance(model, images, state, 0.5, rng).chains["label"]
    assert torch.equal(held, state["label"])
    assert not torch.equal(free, state["label"])


def test_the_map_label_is_the_most_probable(model, images, rng):
    state = begin(LangevinGibbs(), model, images, rng)
    found = LangevinGibbs(steps=1, label="map").advance(model, images, state, 0.0, rng)
    joint = JointDensity(model.networks["generator"], 0.3, 1.0)
    energy = cluster_energies(joint, images, found.chains["style"][:, None].expand(-1, CLUSTERS, -1))
    assert torch.equal(found.chains["label"], energy.argmin(dim=1))


def test_first_labels_may_be_those_of_kmeans(rng):
    images = torch.tensor([[0.0], [5.0], [10.0]])[torch.arange(30) % 3] + 0.01 * torch.randn(30, 1, generator=rng)
    label = LangevinGibbs(first_label="kmeans").begin(Model({}, PRIOR), images.split(7), rng)["label"]
    assert [len(set(label[first::3].tolist())) for first in range(3)] == [1, 1, 1]
    assert len(set(label[:3].tolist())) == 3


def test_without_reach_styles_neither_show_nor_count(model, images, rng):
    inference = LangevinGibbs(steps=3, reach={"start": 0.0, "end": 1.0, "since": 0.5}, chains="cluster", label="map")
    found = inference.advance(model, images, begin(inference, model, images, rng), 0.2, rng)
    assert not found.quantities["posterior_sample"].style.any()
    means = model.networks["generator"].weight[:CLUSTERS].detach()
    assert torch.equal(found.chains["label"], torch.cdist(images, means).argmin(dim=1))


@torch.no_grad()
def test_it_works_under_a_prior_without_style(linear_generator, rng):
    prior = OneHotGaussian(clusters=2, style_dim=0)
    model = Model({"generator": linear_generator(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))}, prior)
    posterior = LangevinGibbs(steps=1).posterior(model, torch.tensor([[1.0, 0.0], [0.0, 1.0]]), {}, rng)
    assert torch.equal(posterior.labels, torch.tensor([1, 0]))
    assert posterior.style.shape == (2, 0)


@torch.no_grad()
@pytest.mark.parametrize("option", [{"step_size": 10.0}, {"noise": 1e-3}])
def test_diverging_chains_are_reported_with_their_energy(model, images, rng, option):
    said = r"inference\.step_size: .* energy is (inf|nan).*Lower inference\.step_size"
    with pytest.raises(LatentclustError, match=said):
        LangevinGibbs(**option).posterior(model, images, {}, rng)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"noise": 0.0}, "above 0"),
        ({"step_size": {"start": 0.1, "end": -0.1}}, "above 0"),
        ({"reach": 0.5}, "end at 1"),
        ({"reach": {"start": 1.0, "end": 0.0}}, "end at 1"),
        ({"reach": {"start": -1.0, "end": 1.0}}, "must not be negative"),
    ],
)
def test_options_out_of_range_are_refused(option, said):
    with pytest.raises(ValidationError, match=said):
        LangevinGibbs(**option)


def test_it_objects_to_a_prior_without_clusters():
    assert LangevinGibbs().objection(PRIOR) is None
    assert "one-hot-gaussian" in str(LangevinGibbs().objection(Gaussian(clusters=2, style_dim=3)))
