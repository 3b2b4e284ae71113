"""The bundled priors: moments within a stated Monte-Carlo error, ranges, reproducibility."""

import pytest
import torch
from pydantic import ValidationError

from latentclust.api import PriorSpec
from latentclust.bundled.priors import Gaussian, GaussianMixturePrior, OneHotGaussian, Uniform

COUNT = 20_000
STYLE_DIM = 3
ERRORS = 5
"""Standard errors within which an estimate must lie; under the true value fewer than 1 in 10^6 do not."""

PRIORS: list[PriorSpec] = [
    OneHotGaussian(clusters=4, style_dim=STYLE_DIM),
    Gaussian(clusters=4, style_dim=STYLE_DIM),
    GaussianMixturePrior(clusters=4, style_dim=STYLE_DIM),
    Uniform(clusters=4, style_dim=STYLE_DIM),
]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def name(value: object) -> str:
    return type(value).__name__


@pytest.mark.parametrize("prior", PRIORS, ids=name)
def test_draws_have_the_shape_that_the_prior_states(prior: PriorSpec) -> None:
    latent = prior.sample(5, rng())
    assert latent.category.shape == (5, prior.categories)
    assert latent.style.shape == (5, STYLE_DIM)
    assert latent.vector().shape == (5, prior.width)
    assert latent.vector().dtype == torch.float32


@pytest.mark.parametrize("prior", PRIORS, ids=name)
def test_the_generator_alone_decides_a_draw(prior: PriorSpec) -> None:
    assert torch.equal(prior.sample(5, rng(1)).vector(), prior.sample(5, rng(1)).vector())
    assert not torch.equal(prior.sample(5, rng(1)).vector(), prior.sample(5, rng(2)).vector())


@pytest.mark.parametrize("prior", PRIORS, ids=name)
def test_fewer_than_two_clusters_are_refused(prior: PriorSpec) -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 2"):
        type(prior)(clusters=1)


@pytest.mark.parametrize("kind", [OneHotGaussian, Gaussian, GaussianMixturePrior])
def test_a_degenerate_deviation_is_refused(kind: type[PriorSpec]) -> None:
    with pytest.raises(ValidationError, match="greater than 0"):
        kind.model_validate_json('{"clusters": 2, "sigma": 0.0}')


def test_categories_are_one_hot_and_uniform() -> None:
    category = OneHotGaussian(clusters=4).sample(COUNT, rng()).category
    assert torch.equal(category.sum(dim=1), torch.ones(COUNT))
    assert torch.equal(category.amax(dim=1), torch.ones(COUNT))
    error = (0.25 * 0.75 / COUNT) ** 0.5
    torch.testing.assert_close(category.mean(dim=0), torch.full((4,), 0.25), atol=ERRORS * error, rtol=0)


@pytest.mark.parametrize(("prior", "sigma"), [(OneHotGaussian(clusters=2), 0.1), (Gaussian(clusters=2), 1.0)], ids=name)
def test_styles_are_standard_normal_times_sigma(prior: PriorSpec, sigma: float) -> None:
    style = prior.sample(COUNT, rng()).style
    zero = torch.zeros(prior.style_dim)
    torch.testing.assert_close(style.mean(dim=0), zero, atol=ERRORS * sigma / COUNT**0.5, rtol=0)
    # The sample variance has a standard error of sigma^2 sqrt(2 / n), the fourth moment one of sigma^4 sqrt(96 / n).
    error = ERRORS * sigma**2 * (2 / COUNT) ** 0.5
    torch.testing.assert_close(style.var(dim=0), zero + sigma**2, atol=error, rtol=0)
    error = ERRORS * sigma**4 * (96 / COUNT) ** 0.5
    torch.testing.assert_close(style.pow(4).mean(dim=0), zero + 3 * sigma**4, atol=error, rtol=0)


def test_style_may_be_empty() -> None:
    prior = OneHotGaussian(clusters=3, style_dim=0)
    assert prior.sample(2, rng()).style.shape == (2, 0)
    assert prior.width == 3


def test_uniform_fills_its_interval() -> None:
    style = Uniform(clusters=2, half_width=2.0).sample(COUNT, rng()).style
    zero = torch.zeros(30)
    deviation = 2 * 2.0 / 12**0.5
    assert style.abs().amax() <= 2.0
    torch.testing.assert_close(style.mean(dim=0), zero, atol=ERRORS * deviation / COUNT**0.5, rtol=0)
    # x^2 has variance (1/5 - 1/9) w^4 on [-w, w].
    error = ERRORS * 2.0**2 * ((1 / 5 - 1 / 9) / COUNT) ** 0.5
    torch.testing.assert_close(style.square().mean(dim=0), zero + deviation**2, atol=error, rtol=0)


def test_mixture_draws_lie_about_its_means() -> None:
    prior = GaussianMixturePrior(clusters=4, style_dim=8, sigma=0.01, spread=3.0)
    means = prior.means(torch.device("cpu"))
    assert means.abs().amax() <= 3.0
    style = prior.sample(COUNT, rng()).style
    distances, nearest = torch.cdist(style, means, compute_mode="donot_use_mm_for_euclid_dist").min(dim=1)
    shares = torch.bincount(nearest, minlength=4) / COUNT
    error = ERRORS * (0.25 * 0.75 / COUNT) ** 0.5
    torch.testing.assert_close(shares, torch.full((4,), 0.25), atol=error, rtol=0)
    error = ERRORS * 0.01**2 * (2 / (8 * COUNT)) ** 0.5
    assert distances.square().mean().item() / 8 == pytest.approx(0.01**2, abs=error)


def test_mixture_means_follow_from_the_seed_alone() -> None:
    def means(seed: int) -> torch.Tensor:
        return GaussianMixturePrior(clusters=3, style_dim=2, seed=seed).means(torch.device("cpu"))

    first = means(0).clone()
    GaussianMixturePrior(clusters=3, style_dim=2).sample(7, rng(5))
    assert torch.equal(means(0), first)
    assert not torch.equal(means(1), first)
    expected = 2 * torch.rand(3, 2, generator=rng(0)) - 1
    assert torch.equal(first, expected)


@pytest.mark.gpu
@pytest.mark.parametrize("prior", PRIORS, ids=name)
def test_draws_are_captured_without_a_host_copy(prior: PriorSpec) -> None:
    generator = torch.Generator("cuda").manual_seed(0)
    prior.sample(5, generator)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        assert prior.sample(5, generator).vector().device.type == "cuda"
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_noise_is_uniform_and_not_part_of_the_latent_vector() -> None:
    prior = OneHotGaussian(clusters=4, style_dim=STYLE_DIM, noise_dim=2)
    drawn = prior.sample(COUNT, rng())
    assert (prior.width, prior.noise_width) == (4 + STYLE_DIM, 2)
    assert drawn.vector().shape == (COUNT, prior.width)
    assert drawn.noise is not None
    assert drawn.noise.shape == (COUNT, 2)
    assert drawn.noise.abs().max() <= 1
    assert drawn.noise.mean().abs() < ERRORS / (3 * 2 * COUNT) ** 0.5
    # The square of a uniform value has the mean 1/3 and the variance 4/45.
    assert abs(drawn.noise.square().mean().item() - 1 / 3) < ERRORS * (4 / 45 / (2 * COUNT)) ** 0.5


def test_noise_changes_neither_category_nor_style() -> None:
    plain = OneHotGaussian(clusters=4, style_dim=STYLE_DIM).sample(5, rng())
    noisy = OneHotGaussian(clusters=4, style_dim=STYLE_DIM, noise_dim=2).sample(5, rng())
    assert plain.noise is None
    assert torch.equal(plain.vector(), noisy.vector())
