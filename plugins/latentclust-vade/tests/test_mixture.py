"""The components: densities, responsibilities and draws, and the start that fits them."""

import pytest
import torch
from latentclust.api import Images, Latent, LatentclustError, Model
from torch import Tensor, nn
from torch.distributions import MultivariateNormal

from latentclust_vade.mixture import Components, Covariance, GaussianComponents, LearnedMixture
from latentclust_vade.mixture_start import MixtureStart

CLUSTERS, WIDTH = 3, 2


class Network(nn.Module):
    """A network of the role `centroids`: a body."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, latents: Tensor) -> Tensor:
        return self.body(latents)


def components(covariance: Covariance) -> Components:
    torch.manual_seed(0)
    body = GaussianComponents(covariance=covariance).centroids(CLUSTERS, WIDTH)
    assert isinstance(body, Components)
    with torch.no_grad():
        for parameter in body.parameters():
            parameter.copy_(torch.randn(parameter.shape))
    return body


def distributions(body: Components) -> list[MultivariateNormal]:
    factors = body.factors().detach()
    precisions = factors @ factors.mT
    return [
        MultivariateNormal(mean, precision_matrix=precision)
        for mean, precision in zip(body.means.detach(), precisions, strict=True)
    ]


@pytest.mark.parametrize("covariance", ["diag", "full"])
def test_the_log_joint_is_that_of_torch_distributions(covariance: Covariance) -> None:
    body, latents = components(covariance), torch.randn(7, WIDTH)
    expected = torch.stack([one.log_prob(latents) for one in distributions(body)], dim=1)
    torch.testing.assert_close(body(latents), expected + body.logits.log_softmax(dim=0))


def test_covariances_are_diagonal_unless_full_is_asked_for() -> None:
    assert components("diag").shears is None
    off = [components(form).factors()[:, 0, 1].abs().sum().item() for form in ("diag", "full")]
    assert off[0] == 0 < off[1]
    assert not components("full").factors()[:, 1, 0].any()


def test_positions_of_a_map_are_vectors() -> None:
    body, maps = components("full"), torch.randn(2, WIDTH, 3, 4)
    torch.testing.assert_close(body(maps)[:, :, 1, 2], body(maps[:, :, 1, 2]))


@pytest.mark.parametrize("covariance", ["diag", "full"])
def test_draws_have_the_moments_of_their_component(covariance: Covariance) -> None:
    body = components(covariance)
    chosen = torch.arange(CLUSTERS).repeat_interleave(50_000)
    drawn = body.draw(chosen, torch.Generator().manual_seed(1)).detach().view(CLUSTERS, -1, WIDTH)
    for points, expected in zip(drawn, distributions(body), strict=True):
        scale = expected.covariance_matrix.diagonal().sqrt()
        torch.testing.assert_close(points.mean(dim=0) / scale, expected.mean / scale, rtol=0, atol=0.02)
        found = points.T.cov() / scale[:, None] / scale
        torch.testing.assert_close(found, expected.covariance_matrix / scale[:, None] / scale, rtol=0, atol=0.03)


def test_modes_are_draws_of_each_component_in_order() -> None:
    body = components("diag")
    with torch.no_grad():
        body.log_scales.fill_(5)
    prior = LearnedMixture(clusters=CLUSTERS, style_dim=WIDTH)
    drawn = prior.draw_modes({"mixture": Network(body)}, 4, torch.Generator())
    assert drawn.category.shape == (12, 0)
    torch.testing.assert_close(drawn.style.view(3, 4, 2).mean(dim=1), body.means.detach(), rtol=0, atol=0.05)


def test_draws_of_the_mixture_have_its_weights() -> None:
    body = components("full")
    with torch.no_grad():
        body.log_scales.fill_(5)
        body.logits.copy_(torch.tensor([0.5, 0.3, 0.2]).log())
    prior = LearnedMixture(clusters=CLUSTERS, style_dim=WIDTH)
    style = prior.draw({"mixture": Network(body)}, 20_000, torch.Generator().manual_seed(0)).style
    shares = torch.cdist(style, body.means.detach()).argmin(dim=1).bincount(minlength=3) / 20_000
    torch.testing.assert_close(shares, torch.tensor([0.5, 0.3, 0.2]), rtol=0, atol=0.02)


def test_a_network_without_components_is_refused() -> None:
    prior = LearnedMixture(clusters=CLUSTERS, style_dim=WIDTH)
    with pytest.raises(LatentclustError, match=r"'mixture' does not hold the components of a mixture\. Set use"):
        prior.draw_modes({"mixture": Network(nn.Identity())}, 4, torch.Generator())


def blobs() -> tuple[Tensor, Tensor, Tensor]:
    """Points of three Gaussians with shares 1/2, 1/3, 1/6 around corners, with their means and covariance."""
    rng = torch.Generator().manual_seed(0)
    means = torch.tensor([[0.0, 0.0], [20.0, 0.0], [0.0, 20.0]])
    factor = torch.tensor([[1.0, 0.0], [0.8, 0.6]])
    which = torch.arange(3).repeat_interleave(torch.tensor([900, 600, 300]))
    return means[which] + torch.randn(1800, 2, generator=rng) @ factor.T, means, factor @ factor.T


@pytest.mark.parametrize("covariance", ["diag", "full"])
def test_the_start_finds_weights_means_and_covariances(covariance: Covariance) -> None:
    points, means, expected = blobs()
    network = Network(GaussianComponents(covariance=covariance).centroids(CLUSTERS, WIDTH))
    model = Model({"mixture": network}, LearnedMixture(clusters=CLUSTERS, style_dim=WIDTH))
    batches = [Images(part) for part in points.split(500)]
    weights = MixtureStart().weights(model, batches, torch.Generator().manual_seed(2))
    network.load_state_dict({name.removeprefix("mixture."): value for name, value in weights.items()})
    order = torch.cdist(means, network.body.means.detach()).argmin(dim=1)
    assert sorted(order.tolist()) == [0, 1, 2]
    shares = network.body.logits.detach().softmax(dim=0)[order]
    torch.testing.assert_close(shares, torch.tensor([1 / 2, 1 / 3, 1 / 6]), rtol=0, atol=0.01)
    torch.testing.assert_close(network.body.means.detach()[order], means, rtol=0, atol=0.2)
    found = torch.stack([one.covariance_matrix for one in distributions(network.body)])[order]
    expected = expected if covariance == "full" else expected.diagonal().diag()
    torch.testing.assert_close(found, expected.expand(3, -1, -1), rtol=0, atol=0.2)


def test_the_start_refuses_maps_and_too_few_samples() -> None:
    network = Network(GaussianComponents().centroids(CLUSTERS, WIDTH))
    model = Model({"mixture": network}, LearnedMixture(clusters=CLUSTERS, style_dim=WIDTH))
    with pytest.raises(LatentclustError, match="reads a map"):
        MixtureStart().weights(model, [Images(torch.zeros(9, WIDTH, 3, 3))], torch.Generator())
    with pytest.raises(LatentclustError, match="cannot fit 3 components to 2 samples"):
        MixtureStart().weights(model, [Images(torch.zeros(2, WIDTH))], torch.Generator())


def test_draws_of_the_prior_are_independent_of_the_network() -> None:
    drawn = LearnedMixture(clusters=CLUSTERS, style_dim=WIDTH).sample(5, torch.Generator().manual_seed(0))
    assert isinstance(drawn, Latent)
    assert (drawn.category.shape, drawn.style.shape) == ((5, 0), (5, 2))
