"""The density of styles on the grid of the nodes, compared with that of images and categories."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from latentclust.api import Images, LayeredDecoder, Model
from latentclust.bundled.backbones.layered import LayeredDecoderNetwork
from latentclust.bundled.categorical_map import CategoricalMap, one_hot
from latentclust.bundled.inference.langevin import JointDensity
from latentclust.bundled.inference.langevin_gibbs_maps import LangevinGibbsMaps
from latentclust.bundled.inference.node_density import node_sums
from latentclust.networks.maps import LayeredGeneratorNetwork

CLUSTERS, CHANNELS, STRIDE, STYLE = 3, 2, 8, 4
HEIGHT, WIDTH = 24, 32
NOISE = 0.12


class WithoutNodes(LayeredDecoder):
    """The same layers, of which an inference does not know that they are interpolated."""

    def __init__(self, body: LayeredDecoder) -> None:
        super().__init__()
        self.body = body

    def forward(self, style: Tensor) -> Tensor:
        return self.body(style)


@pytest.fixture
def make(rng: torch.Generator) -> Callable[..., LayeredGeneratorNetwork]:
    def made(doublings: int = 0, output: str = "linear") -> LayeredGeneratorNetwork:
        spec = LayeredDecoderNetwork(width=8, doublings=doublings, output=output)
        body = spec.layered_decoder(CLUSTERS, STYLE, STRIDE, (CHANNELS, HEIGHT, WIDTH))
        torch.nn.init.normal_(body.last.weight, std=0.3, generator=rng)
        body.palette.data = torch.tensor([[0.0, 0.2], [0.5, 0.8], [0.9, 0.1]])
        return LayeredGeneratorNetwork(body.requires_grad_(False), STRIDE)

    return made


def draws(rng: torch.Generator, count: int = 2) -> tuple[Tensor, Tensor]:
    label = torch.randint(CLUSTERS, (count, HEIGHT, WIDTH), generator=rng)
    return label, torch.randn(count, STYLE, HEIGHT // STRIDE, WIDTH // STRIDE, generator=rng)


@pytest.mark.parametrize("doublings", [0, 1, 2])
@pytest.mark.parametrize("masked", [False, True])
def test_energies_differ_by_a_constant_and_gradients_are_equal(make, rng, doublings, masked):
    generator, (label, style) = make(doublings), draws(rng)
    images = Images(torch.rand(2, CHANNELS, HEIGHT, WIDTH, generator=rng))
    valid = (torch.rand(2, 1, HEIGHT, WIDTH, generator=rng) < 0.7).float() if masked else None
    joint = JointDensity(generator, NOISE, 1.0, 0.5, valid)
    density, *sums = node_sums(joint, images, label, style)
    category = one_hot(label, CLUSTERS)
    other = (style + 0.3).requires_grad_()
    found = density.reconstruction_term(*sums, other) - density.reconstruction_term(*sums, style)
    expected = joint.reconstruction_term(images, category, other) - joint.reconstruction_term(images, category, style)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=0.05)  # of energies of some thousand nats
    (ours,), (theirs,) = (torch.autograd.grad(energy.sum(), other) for energy in (found, expected))
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3 * theirs.abs().max().item())


def test_of_one_cluster_everywhere_the_sums_are_those_of_the_interpolation(make, rng):
    """Weights of a pixel add up to 1, so that A adds up to the number of pixels and B to the sum of the image."""
    _, style = draws(rng)
    label = torch.ones(2, HEIGHT, WIDTH, dtype=torch.int64)
    images = Images(torch.rand(2, CHANNELS, HEIGHT, WIDTH, generator=rng))
    _, linear, quadratic = node_sums(JointDensity(make(), NOISE, 1.0), images, label, style)
    assert quadratic.shape == (2, CLUSTERS, HEIGHT // STRIDE, WIDTH // STRIDE, 3, 3)
    torch.testing.assert_close(linear[:, 1].sum(dim=(2, 3)), images.sum(dim=(2, 3)), rtol=1e-5, atol=0.0)
    torch.testing.assert_close(quadratic[:, 1].sum(dim=(1, 2, 3, 4)), torch.full((2,), float(HEIGHT * WIDTH)))
    assert not linear[:, [0, 2]].any()
    assert not quadratic[:, [0, 2]].any()


def test_other_outputs_and_decoders_without_interpolation_have_no_sums(make, rng):
    label, style = draws(rng)
    images = Images(torch.rand(2, CHANNELS, HEIGHT, WIDTH, generator=rng))
    for generator in (make(output="sigmoid"), make(doublings=3), LayeredGeneratorNetwork(WithoutNodes(make().body), 8)):
        assert node_sums(JointDensity(generator, NOISE, 1.0), images, label, style) is None


def test_the_read_out_of_the_grid_is_that_of_the_pixels(make, rng):
    """Images drawn by the model: with equal random numbers labels are equal, and nearly all are those of the images."""
    generator, (_, style) = make(), draws(rng)
    blocks = torch.randint(CLUSTERS, (2, HEIGHT // 4, WIDTH // 4), generator=rng)
    truth = blocks.repeat_interleave(4, dim=1).repeat_interleave(4, dim=2)
    drawn = generator.per_cluster(style).gather(1, truth[:, None, None].expand(-1, 1, CHANNELS, -1, -1))[:, 0]
    images = Images(drawn + NOISE * torch.randn(drawn.shape, generator=rng))
    prior = CategoricalMap(clusters=CLUSTERS, style_dim=STYLE, style_stride=STRIDE, coupling=2.0)
    inference = LangevinGibbsMaps(steps=20, step_size=0.0005, noise=NOISE)
    ours, theirs = (
        inference.posterior(Model({"generator": each}, prior), images, {}, torch.Generator().manual_seed(1))
        for each in (generator, LayeredGeneratorNetwork(WithoutNodes(generator.body), STRIDE))
    )
    assert (ours.labels == theirs.labels).double().mean() >= 0.999
    assert (ours.probabilities.argmax(dim=1) == truth).double().mean() > 0.9
