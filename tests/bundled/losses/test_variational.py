"""The three terms of the conditional VAE's bound against closed forms, quadrature and the evidence itself."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch.distributions import Normal, kl_divergence

from latentclust.api import Code, Latent, LatentclustError
from latentclust.bundled.losses.category_divergence import CategoryDivergence
from latentclust.bundled.losses.cluster_likelihood import ClusterLikelihood
from latentclust.bundled.losses.style_divergence import StyleDivergence
from latentclust.bundled.priors import Gaussian, OneHotGaussian, Uniform
from latentclust.bundled.quantities import cluster_reconstructions, posterior_sample


def gaussian(mean: torch.Tensor, log_variance: torch.Tensor, logits: torch.Tensor | None = None) -> Code:
    empty = torch.zeros(len(mean), 0)
    return Code(empty if logits is None else logits, mean, empty, log_variance)


@pytest.mark.parametrize("shape", [(7,), (2, 3, 4)])
@pytest.mark.parametrize("sigma", [0.1, 0.8])
def test_the_likelihood_is_the_expected_gaussian_log_density(shape, sigma, normal, code):
    images, drawn, logits = normal(5, *shape), normal(5, 3, *shape), 2 * normal(5, 3)
    powers = np.exp(logits.double().numpy())
    weights = powers / powers.sum(axis=1, keepdims=True)
    x, means = images.double().numpy(), drawn.double().numpy()
    expected = 0.0
    for sample in range(5):
        for cluster in range(3):
            z = (x[sample] - means[sample, cluster]) / sigma
            expected -= weights[sample, cluster] * (-0.5 * z**2 - math.log(sigma * math.sqrt(2 * math.pi))).sum() / 5
    value = ClusterLikelihood(sigma=sigma)(images, drawn, code(logits=logits))
    assert value.item() == pytest.approx(expected, rel=1e-5)


def test_a_perfect_reconstruction_by_the_certain_cluster_leaves_the_constant(normal, code):
    images, drawn = normal(2, 6), normal(2, 3, 6)
    drawn[0, 1], drawn[1, 2] = images[0], images[1]
    logits = torch.tensor([[0.0, 1e4, 0.0], [0.0, 0.0, 1e4]])
    value = ClusterLikelihood(sigma=0.2)(images, drawn, code(logits=logits))
    assert value.item() == pytest.approx(6 * 0.5 * math.log(2 * math.pi * 0.04), rel=1e-6)


def test_the_likelihood_sends_gradients_into_drawing_and_logits(normal, code):
    drawn, logits = normal(4, 3, 6).requires_grad_(), normal(4, 3).requires_grad_()
    ClusterLikelihood()(normal(4, 6), drawn, code(logits=logits)).backward()
    assert drawn.grad.abs().sum() > 0
    torch.testing.assert_close(logits.grad.sum(dim=1), torch.zeros(4), atol=1e-5, rtol=0)


@pytest.mark.parametrize("sigma", [0.0, -1.0])
def test_refuses_noise_that_is_none(sigma):
    with pytest.raises(ValidationError, match="sigma"):
        ClusterLikelihood(sigma=sigma)


def test_category_divergence_is_between_zero_and_log_k(code):
    assert CategoryDivergence()(code(logits=torch.ones(3, 5))).item() == pytest.approx(0.0, abs=1e-6)
    certain = 1e4 * torch.eye(5)
    assert CategoryDivergence()(code(logits=certain)).item() == pytest.approx(math.log(5), rel=1e-6)


def test_category_divergence_is_the_sum_over_clusters(normal, code):
    logits = 3 * normal(6, 4)
    q = logits.double().softmax(dim=1)
    expected = (q * (q / 0.25).log()).sum(dim=1).mean().item()
    assert CategoryDivergence()(code(logits=logits)).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("prior", [OneHotGaussian(clusters=3, sigma=0.3), Gaussian(clusters=3, sigma=2.0)])
def test_style_divergence_is_torchs_between_gaussians(prior, normal):
    mean, log_variance = normal(6, 4), normal(6, 4)
    encoded = Normal(mean.double(), (log_variance.double() / 2).exp())
    expected = kl_divergence(encoded, Normal(0.0, prior.sigma)).sum(dim=1).mean().item()
    assert StyleDivergence()(gaussian(mean, log_variance), prior).item() == pytest.approx(expected, rel=1e-5)


def test_style_divergence_of_the_prior_itself_is_zero():
    log_variance = torch.full((3, 2), 2 * math.log(0.1))
    value = StyleDivergence()(gaussian(torch.zeros(3, 2), log_variance), OneHotGaussian(clusters=3, sigma=0.1))
    assert value.item() == pytest.approx(0.0, abs=1e-6)


def test_style_divergence_refuses_another_style(normal):
    with pytest.raises(LatentclustError, match=r"prior\.use: style-divergence requires"):
        StyleDivergence()(gaussian(normal(3, 2), normal(3, 2)), Uniform(clusters=3))


def test_the_error_for_an_encoder_without_variance_names_the_missing_option(code, normal):
    point = code(style=normal(3, 2))
    for ask in (lambda: StyleDivergence()(point, OneHotGaussian(clusters=3)),
                lambda: posterior_sample(point, torch.Generator())):  # fmt: skip
        with pytest.raises(LatentclustError, match=r"networks\.encoder\.log_variance: .* Set log_variance = true"):
            ask()


def test_a_posterior_sample_has_the_codes_mean_and_variance():
    """20,000 draws: four standard errors of the mean, 4 / sqrt(2n) of the deviation's ratio."""
    count, mean, deviation = 20_000, torch.tensor([1.0, -2.0]), torch.tensor([0.5, 3.0])
    encoded = gaussian(mean.repeat(count, 1), (2 * deviation.log()).repeat(count, 1), torch.zeros(count, 3))
    drawn = posterior_sample(encoded, torch.Generator().manual_seed(0))
    assert ((drawn.style.mean(dim=0) - mean).abs() < 4 * deviation / math.sqrt(count)).all()
    assert ((drawn.style.std(dim=0) / deviation - 1).abs() < 4 / math.sqrt(2 * count)).all()
    assert torch.equal(drawn.category, torch.full((count, 3), 1 / 3))


def test_a_posterior_sample_is_reparameterised(normal):
    mean, log_variance = normal(4, 2).requires_grad_(), normal(4, 2).requires_grad_()
    drawn = posterior_sample(gaussian(mean, log_variance, torch.zeros(4, 3)), torch.Generator().manual_seed(0))
    drawn.style.sum().backward()
    assert torch.equal(mean.grad, torch.ones(4, 2))
    torch.testing.assert_close(log_variance.grad, (drawn.style - mean).detach() / 2)


def test_every_cluster_draws_every_sample_in_its_style(linear_weights, normal):
    generator, passes = linear_weights
    latent = Latent(category=torch.full((4, 3), 1 / 3), style=normal(4, 2))
    found = cluster_reconstructions(generator, latent)
    assert found.shape == (4, 3, 5)
    for sample in range(4):
        for cluster in range(3):
            one = Latent(category=torch.eye(3)[[cluster]], style=latent.style[[sample]])
            torch.testing.assert_close(found[sample, cluster], generator(one)[0])
    assert passes[0] == 12, "one pass over every sample and cluster"


@pytest.fixture
def linear_weights(normal):
    """A linear generator of three clusters and two style values, and the batch size of each of its passes."""
    weight, passes = normal(5, 5), []

    def generator(latent: Latent) -> torch.Tensor:
        passes.append(len(latent.style))
        return latent.vector() @ weight

    return generator, passes


def test_the_three_terms_bound_the_evidence_and_meet_it_at_the_true_posterior(code):
    """A linear generator of one style value that no cluster shares: the true posterior is Gaussian within a cluster.

    With x = m_y + w z + noise and clusters whose m_y differ only across w, q(z|x) does not depend on y, and the sum of
    the terms in expectation over z equals `-log p(x)`.
    """
    sigma, s, w = 0.5, 1.5, np.array([1.0, 0.0])
    means = np.array([[0.0, -1.0], [0.0, 0.3], [0.0, 2.0]])
    x = np.array([0.7, 0.4])
    covariance = sigma**2 * np.eye(2) + s**2 * np.outer(w, w)
    normaliser = 2 * math.pi * math.sqrt(np.linalg.det(covariance))
    densities = [math.exp(-0.5 * (x - m) @ np.linalg.solve(covariance, x - m)) / normaliser for m in means]
    evidence = math.log(sum(densities) / 3)
    variance = 1 / (1 / s**2 + 1 / sigma**2)
    mean = variance * x[0] / sigma**2
    logits = torch.tensor(np.log(densities), dtype=torch.float32)

    def bound(mean: float, variance: float, logits: torch.Tensor) -> float:
        nodes, weights = np.polynomial.hermite_e.hermegauss(9)  # exact for a quadratic
        styles = mean + math.sqrt(variance) * nodes
        drawn = torch.tensor(means[None] + styles[:, None, None] * w, dtype=torch.float32)  # (nodes, k, 2)
        images = torch.tensor(x, dtype=torch.float32).repeat(9, 1)
        terms = [
            ClusterLikelihood(sigma=sigma)(images[[n]], drawn[[n]], code(logits=logits[None])).item() for n in range(9)
        ]
        encoded = gaussian(torch.tensor([[mean]]), torch.tensor([[math.log(variance)]]))
        style = StyleDivergence()(encoded, OneHotGaussian(clusters=3, sigma=s)).item()
        return (
            float(np.dot(weights, terms) / weights.sum())
            + style
            + CategoryDivergence()(code(logits=logits[None])).item()
        )

    assert bound(mean, variance, logits) == pytest.approx(-evidence, rel=1e-5)
    assert bound(mean + 0.2, variance, logits) > -evidence
    assert bound(mean, 2 * variance, logits) > -evidence
    assert bound(mean, variance, torch.zeros(3)) > -evidence
