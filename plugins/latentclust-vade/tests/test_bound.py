"""The two terms of the bound against closed forms."""

import math

import pytest
import torch
from latentclust.api import Code, Images, Latent, LatentclustError, Similarities, Vectors

from latentclust_vade.bound import BernoulliLikelihood, MixtureDivergence, mixture_of_sample
from latentclust_vade.mixture import Components

DRAWS, WIDTH = 200_000, 2


def code(mean: torch.Tensor, log_variance: torch.Tensor | None) -> Code:
    batch = len(mean)
    return Code(torch.zeros(batch, 3), mean, torch.zeros(batch, 0), log_variance, categorical=False)


def divergence(components: Components, mean: list[float], deviation: float) -> float:
    """The term for one posterior, averaged over many draws."""
    means = torch.tensor(mean).expand(DRAWS, -1)
    noise = torch.randn(means.shape, generator=torch.Generator().manual_seed(0))
    sample = Latent(means.new_zeros(DRAWS, 0), means + deviation * noise)
    given = code(means, torch.full(means.shape, 2 * math.log(deviation)))
    with torch.no_grad():
        return float(MixtureDivergence()(given, mixture_of_sample(components, sample)))


def test_of_one_gaussian_it_is_the_closed_divergence() -> None:
    same = Components(3, WIDTH)
    with torch.no_grad():
        same.means.zero_()
    mean, deviation = [1.0, -2.0], 0.5
    expected = sum(0.5 * (deviation**2 + value**2 - 1) - math.log(deviation) for value in mean)
    assert divergence(same, mean, deviation) == pytest.approx(expected, abs=0.01)


def test_at_a_component_far_from_all_others_it_is_minus_its_log_weight() -> None:
    far = Components(2, WIDTH)
    with torch.no_grad():
        far.means.copy_(torch.tensor([[0.0, 0.0], [100.0, 0.0]]))
        far.logits.copy_(torch.tensor([0.2, 0.8]).log())
    assert divergence(far, [100.0, 0.0], 1.0) == pytest.approx(-math.log(0.8), abs=0.01)
    assert divergence(far, [0.0, 0.0], 1.0) == pytest.approx(-math.log(0.2), abs=0.01)


def test_an_encoder_without_log_variances_is_refused() -> None:
    with pytest.raises(LatentclustError, match="log_variance = true"):
        MixtureDivergence()(code(torch.zeros(2, WIDTH), None), Similarities(torch.zeros(2, 3)))


def test_the_density_is_read_at_the_style_alone() -> None:
    seen: list[Vectors] = []

    def mixture(latents: Vectors) -> Similarities:
        seen.append(latents)
        return Similarities(latents)

    style = torch.randn(4, WIDTH)
    mixture_of_sample(mixture, Latent(torch.zeros(4, 0), style))  # type: ignore[arg-type]
    assert torch.equal(seen[0], style)


def test_the_likelihood_is_the_sum_of_cross_entropies_and_lowest_at_the_image() -> None:
    images = Images(torch.tensor([[[[0.0, 1.0]]], [[[0.25, 0.5]]]]))
    half = Images(torch.full_like(images, 0.5))
    assert float(BernoulliLikelihood()(images, half)) == pytest.approx(2 * math.log(2))
    entropies = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75)) + math.log(2)
    assert float(BernoulliLikelihood()(images, images)) == pytest.approx(entropies / 2, abs=1e-4)


def test_the_likelihood_is_finite_where_the_decoder_is_certain_and_wrong() -> None:
    wrong = Images(torch.ones(1, 1, 2, 2))
    wrong.requires_grad_()
    loss = BernoulliLikelihood()(Images(torch.zeros(1, 1, 2, 2)), wrong)
    assert float(loss.detach()) == pytest.approx(-4 * math.log(1e-6), rel=0.05)
