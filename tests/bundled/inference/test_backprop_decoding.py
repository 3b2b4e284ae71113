"""ClusterGAN's Algorithm 1 against planted latents, a sequential loop, and a one-dimensional closed form."""

import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from torch import Tensor, nn

from latentclust.api import Latent, Model
from latentclust.bundled.inference.backprop_decoding import BackpropDecoding
from latentclust.bundled.priors import Gaussian, OneHotGaussian

CLUSTERS, STYLE, VALUES = 4, 3, 12
PRIOR = OneHotGaussian(clusters=CLUSTERS, style_dim=STYLE, sigma=0.1)


@pytest.fixture
def planted(linear_generator, rng) -> tuple[Model, Latent, Tensor]:
    """A linear generator whose modes lie further apart than the style can reach, latents, and their images."""
    weight = torch.cat((10 * torch.randn(CLUSTERS, VALUES, generator=rng), torch.randn(STYLE, VALUES, generator=rng)))
    generator = linear_generator(weight)
    latent = PRIOR.sample(9, rng)
    return Model({"generator": generator}, PRIOR), latent, generator(latent).detach()


@torch.no_grad()
def test_recovers_the_latents_of_a_linear_generator(planted, rng):
    model, latent, images = planted
    inference = BackpropDecoding(iterations=500, learning_rate=2e-3, penalty=0.0)
    posterior = inference.posterior(model, images, {}, rng)
    assert torch.equal(posterior.labels, latent.category.argmax(dim=1))
    torch.testing.assert_close(posterior.style, latent.style, atol=5e-3, rtol=0)


@torch.no_grad()
def test_batched_restarts_equal_the_algorithms_sequential_loop(planted):
    model, _, images = planted
    inference = BackpropDecoding(iterations=20, learning_rate=0.02, penalty=0.5, clip=0.15, temperature=10.0)
    found = inference.posterior(model, images, {}, torch.Generator().manual_seed(5))
    start = PRIOR.sample(len(images) * CLUSTERS, torch.Generator().manual_seed(5)).style
    for row, image in enumerate(images):
        styles = [decode(inference, model, image, k, start[row * CLUSTERS + k]) for k in range(CLUSTERS)]
        losses = torch.stack([loss_of(inference, model, image, k, style) for k, style in enumerate(styles)])
        torch.testing.assert_close(found.probabilities[row], (-losses / inference.temperature).softmax(dim=0))
        torch.testing.assert_close(found.style[row], styles[losses.argmin()])


def loss_of(inference: BackpropDecoding, model: Model, image: Tensor, k: int, style: Tensor) -> Tensor:
    drawn = model.networks["generator"](Latent(category=torch.eye(CLUSTERS)[k : k + 1], style=style[None]))
    return (drawn[0] - image).abs().sum() + inference.penalty * style.square().sum()


@torch.enable_grad()
def decode(inference: BackpropDecoding, model: Model, image: Tensor, k: int, start: Tensor) -> Tensor:
    """One restart of one image, as Algorithm 1 prints it."""
    style = start.clone().requires_grad_()
    adam = torch.optim.Adam([style], lr=inference.learning_rate)
    for _ in range(inference.iterations):
        style.grad = torch.autograd.grad(loss_of(inference, model, image, k, style), style)[0]
        adam.step()
        style.data = style.data.clamp(-inference.clip, inference.clip)
    return style.detach()


@torch.no_grad()
def test_clips_the_style_and_penalises_it(linear_generator, rng):
    """One value, G = style: |s - x| + p s^2 is least at s = x, at 1/(2p), or at the clip, whichever is least."""
    prior = OneHotGaussian(clusters=2, style_dim=1)
    model = Model({"generator": linear_generator(torch.tensor([[0.0], [50.0], [1.0]]))}, prior)

    def style(value: float, **options: float) -> float:
        inference = BackpropDecoding(iterations=600, learning_rate=2e-3, **options)
        return inference.posterior(model, torch.full((1, 1), value), {}, rng).style.item()

    assert style(0.3, penalty=0.0) == pytest.approx(0.3, abs=5e-3)
    assert style(5.0, penalty=0.0) == pytest.approx(0.6)
    assert style(5.0, penalty=0.0, clip=0.25) == pytest.approx(0.25)
    assert style(5.0, penalty=2.0) == pytest.approx(0.25, abs=5e-3)


@torch.no_grad()
def test_leaves_the_generator_as_it_was(planted, rng):
    model, _, images = planted
    generator = model.networks["generator"]
    before = generator.weight.clone()
    BackpropDecoding(iterations=3).posterior(model, images, {}, rng)
    assert generator.weight.grad is None
    assert torch.equal(generator.weight, before)


@torch.no_grad()
def test_temperature_softens_the_probabilities_and_keeps_the_label(planted):
    model, _, images = planted

    def log_odds(temperature: float) -> Tensor:
        inference = BackpropDecoding(iterations=5, temperature=temperature)
        posterior = inference.posterior(model, images, {}, torch.Generator().manual_seed(0))
        return (posterior.probabilities / posterior.probabilities[:, :1]).log()

    torch.testing.assert_close(2 * log_odds(200.0), log_odds(100.0), rtol=1e-3, atol=1e-4)


class ImageGenerator(nn.Module):
    """A linear generator's output as images of one channel."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, latent: Latent) -> Tensor:
        return self.body(latent).view(-1, 1, 3, 4)


@torch.no_grad()
def test_sums_over_the_values_of_an_image_as_over_those_of_a_vector(planted):
    model, _, vectors = planted
    images_model = Model({"generator": ImageGenerator(model.networks["generator"])}, PRIOR)
    inference = BackpropDecoding(iterations=5, temperature=50.0)
    flat = inference.posterior(model, vectors, {}, torch.Generator().manual_seed(0))
    square = inference.posterior(images_model, vectors.view(-1, 1, 3, 4), {}, torch.Generator().manual_seed(0))
    torch.testing.assert_close(square.probabilities, flat.probabilities)
    torch.testing.assert_close(square.style, flat.style)


@torch.no_grad()
def test_without_a_category_clusters_the_recovered_styles(linear_generator, rng):
    prior = Gaussian(clusters=3, style_dim=2)
    model = Model({"generator": linear_generator(torch.randn(2, 10, generator=rng))}, prior)
    labels = torch.arange(30) % 3
    style = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0]])[labels] + 0.1 * torch.randn(30, 2, generator=rng)
    images = model.networks["generator"](Latent(category=torch.zeros(30, 0), style=style))
    inference = BackpropDecoding(iterations=400, learning_rate=0.02, penalty=0.0, clip=6.0)
    state = inference.fit(model, images.split(10), rng)
    posterior = inference.posterior(model, images, state, rng)
    assert adjusted_rand_score(labels, posterior.labels) == 1.0
    torch.testing.assert_close(posterior.style, style, atol=0.05, rtol=0)


def test_with_categories_learns_nothing_and_reads_no_image_for_it(planted, rng):
    unread = (pytest.fail("read") for _ in range(1))
    assert BackpropDecoding().fit(planted[0], unread, rng) == {}


@torch.no_grad()
def test_decodes_under_a_prior_without_style(linear_generator, rng):
    prior = OneHotGaussian(clusters=2, style_dim=0)
    model = Model({"generator": linear_generator(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))}, prior)
    posterior = BackpropDecoding(iterations=1).posterior(model, torch.tensor([[1.0, 0.0], [0.0, 1.0]]), {}, rng)
    assert torch.equal(posterior.labels, torch.tensor([1, 0]))
    torch.testing.assert_close(posterior.confidence, torch.full((2,), torch.tensor(2.0).sigmoid().item()))
