"""Langevin-Gibbs chains of label maps, beside posteriors that are known: layers that are planted, styles that add."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from latentclust.api import ClusterImages, Images, LatentclustError, Mask, Model
from latentclust.bundled.backbones.layered import LayeredDecoderNetwork
from latentclust.bundled.categorical_map import CategoricalMap
from latentclust.bundled.inference.langevin import JointDensity
from latentclust.bundled.inference.langevin_gibbs_maps import LangevinGibbsMaps, pixel_energies
from latentclust.bundled.priors import Gaussian, OneHotGaussian
from latentclust.networks.maps import LayeredGeneratorNetwork, compose

CLUSTERS, SIDE, STRIDE, CHANNELS = 3, 6, 3, 2
GRID = SIDE // STRIDE
NOISE = 0.4
SURE = 5.0
"""Standard errors within which a Monte-Carlo estimate must lie."""


class Planted(nn.Module):
    """Layers that are given, and a style that is added to all of them, its one channel enlarged to the image."""

    def __init__(self, layers: Tensor, slope: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.Parameter(layers)
        self.slope = slope

    def per_cluster(self, style: Tensor) -> ClusterImages:
        shade = style.repeat_interleave(STRIDE, dim=2).repeat_interleave(STRIDE, dim=3)
        return ClusterImages(self.layers + self.slope * shade[:, None])

    def forward(self, latent: Any) -> Images:
        return compose(latent.category, self.per_cluster(latent.style))


def prior(coupling: float = 0.0, style_dim: int = 1, **options: Any) -> CategoricalMap:
    return CategoricalMap(
        clusters=CLUSTERS, style_dim=style_dim, style_stride=STRIDE, coupling=coupling, side=SIDE, **options
    )


@pytest.fixture
def layers(rng: torch.Generator) -> Tensor:
    return 0.5 * torch.randn(CLUSTERS, CHANNELS, SIDE, SIDE, generator=rng)


@pytest.fixture
def images(rng: torch.Generator) -> Images:
    return Images(0.5 * torch.randn(4, CHANNELS, SIDE, SIDE, generator=rng))


@pytest.fixture
def model(layers: Tensor) -> Callable[..., Model]:
    return lambda slope=0.0, **options: Model({"generator": Planted(layers, slope)}, prior(**options))


def by_hand(images: Tensor, layers: Tensor, noise: float) -> Tensor:
    """Eq. 5 of every pixel in float64, `(b, k, h, w)`."""
    found = torch.zeros(len(images), CLUSTERS, SIDE, SIDE, dtype=torch.float64)
    for sample, row, column in product(range(len(images)), range(SIDE), range(SIDE)):
        x, means = images[sample, :, row, column].double(), layers[:, :, row, column].double()
        powers = (-(x - means).square().sum(dim=1) / (2 * noise**2)).exp()
        found[sample, :, row, column] = powers / powers.sum()
    return found


@pytest.mark.parametrize("label", ["sample", "map"])
def test_under_fixed_layers_the_posterior_of_each_pixel_is_eq_5(model, images, layers, rng, label):
    inference = LangevinGibbsMaps(steps=2, noise=NOISE, burn_in=1, sweeps=2, label=label)
    found = inference.posterior(model(), images, {}, rng)
    torch.testing.assert_close(found.probabilities.double(), by_hand(images, layers, NOISE), atol=1e-5, rtol=1e-4)
    assert found.style.shape == (4, 1, GRID, GRID)


def test_the_energy_of_a_pixel_is_its_squared_error_under_each_layer(model, images, layers, rng):
    style = torch.randn(4, 1, GRID, GRID, generator=rng)
    generator = model(slope=0.7).networks["generator"]
    found = pixel_energies(JointDensity(generator, 0.3, 1.0, reach=0.5), images, style)
    for sample, cluster, row, column in product(range(4), range(CLUSTERS), (0, 2, 5), (1, 3)):
        shade = 0.5 * 0.7 * style[sample, 0, row // STRIDE, column // STRIDE]
        error = images[sample, :, row, column] - layers[cluster, :, row, column] - shade
        expected = error.double().square().sum() / (2 * 0.3**2)
        torch.testing.assert_close(found[sample, cluster, row, column].double(), expected, rtol=1e-4, atol=1e-5)


def test_styles_under_held_labels_follow_their_gaussian_posterior(model, layers, rng):
    """Of a style that is added to n values of noise s the posterior is Gaussian, of precision 1 + n slope^2 / s^2."""
    slope, count, noise, step = 0.5, 3000, 0.8, 0.01
    label = torch.randint(CLUSTERS, (1, SIDE, SIDE), generator=rng)
    shown = layers.gather(0, label[:, None].expand(-1, CHANNELS, -1, -1))
    image = shown + 0.6 + 0.1 * torch.randn(1, CHANNELS, SIDE, SIDE, generator=rng)
    inference = LangevinGibbsMaps(steps=400, step_size=step, noise=noise, hold_label=1.0)
    chains = {"style": torch.zeros(count, 1, GRID, GRID), "label": label.byte().expand(count, -1, -1).clone()}
    images = Images(image.expand(count, -1, -1, -1))
    found = inference.advance(model(slope=slope), images, chains, 0.0, rng).chains["style"].double()
    values = CHANNELS * STRIDE**2
    precision = 1 + values * slope**2 / noise**2
    cells = (image - shown).double().sum(dim=1).unfold(1, STRIDE, STRIDE).unfold(2, STRIDE, STRIDE).sum(dim=(3, 4))
    mean = slope * cells[0] / noise**2 / precision
    variance = 1 / (precision * (1 - step * precision / 2))  # that of the discretised chain
    assert ((found.mean(dim=0)[0] - mean).abs() < SURE * (variance / count) ** 0.5).all()
    assert ((found.var(dim=0)[0] / variance - 1).abs() < SURE * (2 / count) ** 0.5).all()


def test_pixels_that_do_not_count_cost_nothing_and_move_no_style(model, images, rng):
    valid = torch.ones(4, SIDE, SIDE, dtype=torch.bool)
    valid[:, :STRIDE, :STRIDE] = False  # the whole of the first place of the grid
    inference = LangevinGibbsMaps(steps=5, step_size=0.01, noise=NOISE)
    made = model(slope=1.0)
    chains = inference.begin(made, [images], rng)
    spoilt = Images(torch.where(valid[:, None], images, 1e3))
    first, second = (
        inference.advance(made, shown, chains, 0.0, torch.Generator().manual_seed(3), Mask(valid))
        for shown in (images, spoilt)
    )
    assert torch.equal(first.chains["style"], second.chains["style"])
    assert torch.equal(first.chains["label"], second.chains["label"])
    assert first.diagnostics["likelihood_energy"] == second.diagnostics["likelihood_energy"]
    joint = JointDensity(made.networks["generator"], NOISE, 1.0, valid=valid[:, None].float())
    energy = pixel_energies(joint, spoilt, chains["style"])
    assert not energy.permute(0, 2, 3, 1)[~valid].any()
    style = chains["style"].clone().requires_grad_()
    category = torch.full((4, CLUSTERS, SIDE, SIDE), 1 / CLUSTERS)
    joint.reconstruction_term(spoilt, category, style).sum().backward()
    assert not style.grad[:, :, 0, 0].any()
    assert (style.grad[:, :, 0, 1] != 0).all()


def test_a_mask_of_all_pixels_changes_nothing(model, images, rng):
    inference, made = LangevinGibbsMaps(steps=3, noise=NOISE), model(slope=1.0, coupling=0.5)
    chains = inference.begin(made, [images], rng)
    every = Mask(torch.ones(4, SIDE, SIDE, dtype=torch.bool))
    found = [
        inference.advance(made, images, chains, 0.0, torch.Generator().manual_seed(3), valid).chains
        for valid in (None, every)
    ]
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_chains_keep_a_byte_a_pixel_and_labels_of_every_cluster(rng):
    """Of 256 clusters all numbers survive; a random map of 96x96 pixels has each of them."""
    many = CategoricalMap(clusters=256, style_dim=2, style_stride=16)
    images = Images(torch.rand(3, 1, 96, 96, generator=rng))
    chains = LangevinGibbsMaps().begin(Model({}, many), [images[:2], images[2:]], rng)
    assert chains["label"].dtype == torch.uint8
    assert chains["label"].shape == (3, 96, 96)
    assert chains["label"].unique().tolist() == list(range(256))
    assert chains["style"].shape == (3, 2, 6, 6)
    assert chains["style"].dtype == torch.float32


def test_labels_come_back_from_their_bytes_as_they_went(model, images, rng):
    inference, made = LangevinGibbsMaps(steps=1, noise=NOISE, hold_label=1.0), model()
    chains = inference.begin(made, [images], rng)
    found = inference.advance(made, images, chains, 0.5, rng)
    assert torch.equal(found.chains["label"], chains["label"])
    sample = found.quantities["posterior_sample"]
    assert torch.equal(sample.category.argmax(dim=1), chains["label"].long())
    assert torch.equal(sample.category.sum(dim=1), torch.ones(4, SIDE, SIDE))


def test_held_labels_stay_until_they_are_let_go(model, images, rng):
    inference, made = LangevinGibbsMaps(steps=1, noise=0.05, hold_label=0.5, label="map"), model()
    chains = inference.begin(made, [images], rng)
    held = inference.advance(made, images, chains, 0.49, rng).chains["label"]
    free = inference.advance(made, images, chains, 0.5, rng).chains["label"]
    assert torch.equal(held, chains["label"])
    assert not torch.equal(free, chains["label"])


def test_noise_and_reach_follow_their_ramps(model, images, rng):
    made = model(slope=1.0)
    inference = LangevinGibbsMaps(
        steps=2, noise={"start": 1.0, "end": 0.2}, reach={"start": 0.0, "end": 1.0, "since": 0.5}, label="map"
    )
    chains = inference.begin(made, [images], rng)
    early = inference.advance(made, images, chains, 0.25, rng)
    assert early.quantities["noise_scale"].item() == pytest.approx(0.8)
    assert not early.quantities["posterior_sample"].style.any(), "without reach no style shows"
    nearest = (images[:, None] - made.networks["generator"].layers).square().sum(dim=2).argmin(dim=1)
    assert torch.equal(early.chains["label"].long(), nearest)
    late = inference.advance(made, images, chains, 1.0, rng)
    assert late.quantities["noise_scale"].item() == pytest.approx(0.2)
    assert torch.equal(late.quantities["posterior_sample"].style, late.chains["style"])


def test_coupling_smooths_a_noisy_map(model, rng):
    """Two halves of one colour each under noise that single pixels cannot see through."""
    layers = torch.tensor([0.0, 1.0, 8.0]).view(CLUSTERS, 1, 1, 1).expand(-1, CHANNELS, SIDE, SIDE)
    truth = torch.zeros(50, SIDE, SIDE, dtype=torch.int64)
    truth[:, :, SIDE // 2 :] = 1
    noisy = Images(truth[:, None] + 0.7 * torch.randn(50, CHANNELS, SIDE, SIDE, generator=rng))
    right = {}
    for coupling in (0.0, 1.0):
        made = Model({"generator": Planted(layers)}, prior(coupling))
        found = LangevinGibbsMaps(steps=1, noise=0.7, burn_in=20, sweeps=40).posterior(made, noisy, {}, rng)
        right[coupling] = (found.labels == truth).double().mean().item()
    # One pixel errs with the probability that a standard normal exceeds sqrt(2) / 2 / 0.7 = 1.01: 0.156.
    assert right[0.0] == pytest.approx(1 - 0.156, abs=SURE * (0.156 * 0.844 / truth.numel()) ** 0.5)
    assert right[1.0] > 0.94


def test_the_first_labels_may_be_those_of_kmeans_on_pixels(rng):
    colours = torch.tensor([[0.1, 0.1], [0.5, 0.9], [0.9, 0.3]])
    truth = torch.randint(CLUSTERS, (10, SIDE, SIDE), generator=rng)
    images = colours[truth].permute(0, 3, 1, 2) + 0.01 * torch.randn(10, CHANNELS, SIDE, SIDE, generator=rng)
    inference = LangevinGibbsMaps(first_label="kmeans")
    label = inference.begin(Model({}, prior()), images.split(4), rng)["label"].long()
    table = torch.zeros(CLUSTERS, CLUSTERS, dtype=torch.int64)
    table.index_put_((label.flatten(), truth.flatten()), torch.ones(1, dtype=torch.int64), accumulate=True)
    assert ((table > 0).sum(dim=0) == 1).all()
    assert ((table > 0).sum(dim=1) == 1).all()


def test_diagnostics_are_of_pixels(model, images, layers, rng):
    inference, made = LangevinGibbsMaps(steps=1, noise=NOISE, label="map"), model()
    chains = inference.begin(made, [images], rng)
    found = inference.advance(made, images, chains, 0.0, rng)
    exact, label = by_hand(images, layers, NOISE), found.chains["label"].long()
    entropy = -(exact * exact.log()).sum(dim=1).mean()
    shares = exact.mean(dim=(0, 2, 3))
    assert found.diagnostics["label_entropy"].item() == pytest.approx(entropy.item(), rel=1e-4)
    assert found.diagnostics["occupied"].item() == pytest.approx(
        (-(shares * shares.log()).sum()).exp().item(), rel=1e-4
    )
    ragged = (label[..., 1:] != label[..., :-1]).double().mean().item()
    assert found.diagnostics["boundary"].item() == pytest.approx(ragged)
    style = found.chains["style"].double()
    style_energy = style.square().sum().item() / 2 / 4 / SIDE**2
    assert found.diagnostics["style_energy"].item() == pytest.approx(style_energy, rel=1e-4)


def test_styles_begin_as_draws_of_the_prior(rng):
    wide = CategoricalMap(clusters=2, style_dim=4, style_stride=2, sigma=3.0)
    style = LangevinGibbsMaps().begin(Model({}, wide), [torch.zeros(20, 1, 20, 20)], rng)["style"]
    assert style.shape == (20, 4, 10, 10)
    assert abs(style.std().item() / 3 - 1) < SURE / (2 * style.numel()) ** 0.5


def test_it_works_without_a_style(images, rng):
    """One colour a cluster: the posterior is that of a mixture with known means."""
    made = prior(style_dim=0)
    body = LayeredDecoderNetwork(spread=1.0).layered_decoder(CLUSTERS, 0, STRIDE, (CHANNELS, SIDE, SIDE))
    generator = LayeredGeneratorNetwork(body, STRIDE)
    found = LangevinGibbsMaps(steps=1, noise=NOISE).posterior(Model({"generator": generator}, made), images, {}, rng)
    colours = body.palette.detach().sigmoid()[..., None, None].expand(-1, -1, SIDE, SIDE)
    torch.testing.assert_close(found.probabilities.double(), by_hand(images, colours, NOISE), atol=1e-5, rtol=1e-4)
    assert found.style.shape == (4, 0, GRID, GRID)


def test_a_gradient_reaches_no_weight(model, images, rng):
    made = model(slope=1.0)
    LangevinGibbsMaps(steps=2).posterior(made, images, {}, rng)
    assert made.networks["generator"].layers.grad is None


def test_diverging_chains_are_reported_with_their_energy(model, images, rng):
    said = r"inference\.step_size: .* energy is (inf|nan).*Lower inference\.step_size"
    with pytest.raises(LatentclustError, match=said):
        LangevinGibbsMaps(step_size=50.0, steps=200).posterior(model(slope=3.0), images, {}, rng)


def test_it_objects_to_other_priors_and_to_more_clusters_than_a_byte_numbers():
    inference = LangevinGibbsMaps()
    assert inference.objection(CategoricalMap(clusters=256)) is None
    assert "at most 256 clusters" in str(inference.objection(CategoricalMap(clusters=257)))
    for other in (OneHotGaussian(clusters=2), Gaussian(clusters=2)):
        assert "categorical-map" in str(inference.objection(other))
