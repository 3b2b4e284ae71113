"""Latents for the papers' figures."""

import pytest
import torch

from latentclust.bundled.categorical_map import CategoricalMap
from latentclust.bundled.priors import Gaussian, OneHotGaussian, Uniform
from latentclust.errors import LatentclustError
from latentclust.infer.sampling import STEPS, interpolation, modes, traversal
from latentclust.tensors import Latent

MAPS = CategoricalMap(clusters=3, style_dim=4, style_stride=4, sigma=0.5, coupling=1.0, side=10)
PRIOR = OneHotGaussian(clusters=3, style_dim=4, sigma=0.1)


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_modes_are_a_category_a_row_and_a_style_a_column():
    grid = modes(PRIOR, 5, rng())

    category, style = grid.latent.category.view(3, 5, 3), grid.latent.style.view(3, 5, 4)
    assert torch.equal(category, torch.eye(3)[:, None].expand(3, 5, 3))
    assert torch.equal(style, style[:1].expand(3, 5, 4))
    assert len(style[0].unique(dim=0)) == 5
    assert grid.rows == ("cluster 1", "cluster 2", "cluster 3")


def test_modes_of_a_prior_without_categories_are_plain_draws():
    grid = modes(Gaussian(clusters=3, style_dim=4), 5, rng())

    assert grid.latent.category.shape == (15, 0)
    assert len(grid.latent.style.unique(dim=0)) == 15
    assert grid.rows == ("", "", "")


def test_an_interpolation_mixes_two_categories_and_keeps_the_style_of_its_row():
    grid = interpolation(PRIOR, 2, 0, 2, rng())

    category, style = grid.latent.category.view(2, STEPS, 3), grid.latent.style.view(2, STEPS, 4)
    mu = torch.linspace(1, 0, STEPS)
    torch.testing.assert_close(category[0], torch.stack((1 - mu, torch.zeros(STEPS), mu), dim=1))
    assert torch.equal(category[0], category[1])
    assert torch.equal(style, style[:, :1].expand(2, STEPS, 4))
    assert not torch.equal(style[0], style[1])
    assert (grid.columns[0], grid.columns[5], grid.columns[-1]) == ("cluster 3", "0.5", "cluster 1")


@pytest.mark.parametrize("prior", [PRIOR, OneHotGaussian(clusters=3, style_dim=4, sigma=2.0)])
def test_a_traversal_moves_one_dimension_by_five_deviations_to_either_side(prior):
    grid = traversal(prior, 1, rng())

    style = grid.latent.style.view(3, STEPS, 4)
    others = style[:, :, [0, 2, 3]]
    assert torch.equal(others, others[:1, :1].expand_as(others))
    torch.testing.assert_close(style[0, :, 1], torch.linspace(-5, 5, STEPS) * prior.sigma, rtol=0.03, atol=1e-6)
    assert torch.equal(style[0], style[2])
    assert float(grid.columns[0]) == pytest.approx(-5 * prior.sigma, rel=0.03)


@pytest.mark.parametrize(("first", "second"), [(0, 3), (-1, 0)])
def test_a_cluster_that_is_not_there_is_refused_by_its_number(first, second):
    with pytest.raises(LatentclustError, match=r"unknown cluster [04]\. Use a number from 1 to 3"):
        interpolation(PRIOR, first, second, 1, rng())


def test_a_dimension_that_is_not_there_is_refused():
    with pytest.raises(LatentclustError, match="unknown style dimension 5"):
        traversal(PRIOR, 4, rng())
    with pytest.raises(LatentclustError, match="unknown style dimension 1"):
        traversal(OneHotGaussian(clusters=3, style_dim=0), 0, rng())


def test_priors_without_categories_have_neither():
    prior = Uniform(clusters=3)
    for draw in (lambda: interpolation(prior, 0, 1, 1, rng()), lambda: traversal(prior, 0, rng())):
        with pytest.raises(LatentclustError, match="no categories"):
            draw()


def test_modes_of_label_maps_are_layers_and_then_drawn_maps():
    grid = modes(MAPS, 5, rng())

    category, style = grid.latent.category.view(4, 5, 3, 12, 12), grid.latent.style.view(4, 5, 4, 3, 3)
    assert torch.equal(category[:3], torch.eye(3)[:, None, :, None, None].expand(3, 5, 3, 12, 12))
    assert torch.equal(category[3].sum(dim=1), torch.ones(5, 12, 12))
    assert len(category[3].flatten(1).unique(dim=0)) == 5
    assert torch.equal(style, style[:1].expand(4, 5, 4, 3, 3))
    assert grid.rows == ("cluster 1", "cluster 2", "cluster 3", "drawn maps")


def test_an_interpolation_of_label_maps_mixes_two_layers_at_every_pixel():
    grid = interpolation(MAPS, 0, 2, 2, rng())

    category = grid.latent.category.view(2, STEPS, 3, 12, 12)
    mu = torch.linspace(1, 0, STEPS)
    torch.testing.assert_close(category[1, :, :, 5, 7], torch.stack((mu, torch.zeros(STEPS), 1 - mu), dim=1))
    assert torch.equal(category, category[:, :, :, :1, :1].expand_as(category))
    assert grid.latent.style.shape == (2 * STEPS, 4, 3, 3)


def test_a_traversal_of_label_maps_moves_one_dimension_at_every_place():
    grid = traversal(MAPS, 1, rng())

    style = grid.latent.style.view(3, STEPS, 4, 3, 3)
    others = style[:, :, [0, 2, 3]]
    assert torch.equal(others, others[:1, :1].expand_as(others))
    moved = torch.linspace(-2.5, 2.5, STEPS)[:, None, None].expand(STEPS, 3, 3)
    torch.testing.assert_close(style[:, :, 1], moved.expand(3, STEPS, 3, 3))
    assert grid.columns[0] == "-2.50"


def test_label_maps_without_a_style_have_nothing_to_traverse():
    prior = CategoricalMap(clusters=2, style_dim=0, side=16)
    with pytest.raises(LatentclustError, match=r"unknown style dimension 1\. The prior has no style dimension"):
        traversal(prior, 0, rng())
    assert modes(prior, 2, rng()).latent.style.shape == (6, 0, 1, 1)


class Learned(Gaussian):
    """A mixture whose means are the rows of a network's weight."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Name of the network with the means."""
        return ("means",)


class Drawn(Learned):
    def draw_modes(self, networks, per_cluster, rng):
        style = networks["means"].weight.detach().repeat_interleave(per_cluster, dim=0)
        return Latent(category=style.new_zeros(len(style), 0), style=style)


def test_modes_of_a_learned_prior_come_from_its_networks():
    means = torch.nn.Linear(4, 3)
    grid = modes(Drawn(clusters=3, style_dim=4), 2, rng(), {"means": means})
    assert grid.rows == ("cluster 1", "cluster 2", "cluster 3")
    assert torch.equal(grid.latent.style[::2], means.weight)


def test_draws_of_a_prior_that_is_not_learned_are_its_samples():
    prior = Gaussian(clusters=3, style_dim=4)
    assert torch.equal(prior.draw({}, 5, rng()).style, prior.sample(5, rng()).style)


def test_a_learned_prior_without_modes_or_draws_is_refused():
    prior = Learned(clusters=3, style_dim=4)
    with pytest.raises(LatentclustError, match="Learned are learned, and it does not define `draw`"):
        prior.draw({}, 5, rng())
    with pytest.raises(LatentclustError, match="Learned are learned"):
        modes(prior, 2, rng(), {})
    for draw in (lambda: interpolation(prior, 0, 1, 1, rng()), lambda: traversal(prior, 0, rng())):
        with pytest.raises(LatentclustError, match="styles of the prior Learned are learned"):
            draw()
