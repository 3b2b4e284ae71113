"""The conditional VAE's terms of label maps: sums over pixels, by loops in float64, and one-pixel images."""

import math
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from latentclust.api import ClusterImages, Code, Images, Latent, LatentclustError
from latentclust.bundled.categorical_map import CategoricalMap
from latentclust.bundled.losses.category_divergence import CategoryDivergence
from latentclust.bundled.losses.cluster_likelihood import ClusterLikelihood
from latentclust.bundled.losses.style_divergence import StyleDivergence
from latentclust.bundled.priors import OneHotGaussian
from latentclust.bundled.quantities import cluster_reconstructions

BATCH, CLUSTERS, CHANNELS, SIZE = 2, 3, 2, (3, 4)


def code(logits: Tensor, style: Tensor | None = None, log_variance: Tensor | None = None) -> Code:
    none = torch.zeros(len(logits), 0)
    return Code(logits, none[:, :, None, None] if style is None else style, none, log_variance)


@pytest.mark.parametrize("sigma", [0.1, 0.8])
def test_the_likelihood_is_the_sum_over_pixels_of_their_expected_log_density(sigma, normal):
    images, drawn = normal(BATCH, CHANNELS, *SIZE), normal(BATCH, CLUSTERS, CHANNELS, *SIZE)
    logits = 2 * normal(BATCH, CLUSTERS, *SIZE)
    expected = 0.0
    for sample, row, column in product(range(BATCH), range(SIZE[0]), range(SIZE[1])):
        powers = logits[sample, :, row, column].double().exp()
        for cluster, channel in product(range(CLUSTERS), range(CHANNELS)):
            z = (images[sample, channel, row, column] - drawn[sample, cluster, channel, row, column]).double() / sigma
            log_density = -0.5 * z**2 - math.log(sigma * math.sqrt(2 * math.pi))
            expected -= float(powers[cluster] / powers.sum() * log_density) / BATCH
    value = ClusterLikelihood(sigma=sigma)(Images(images), ClusterImages(drawn), code(logits))
    assert value.item() == pytest.approx(expected, rel=1e-5)


def test_of_one_pixel_images_the_likelihood_is_the_image_level_one(normal):
    images, drawn, logits = normal(4, CHANNELS, 1, 1), normal(4, CLUSTERS, CHANNELS, 1, 1), normal(4, CLUSTERS, 1, 1)
    none = torch.zeros(4, 0)
    loss = ClusterLikelihood(sigma=0.3)
    whole = loss(Images(images), ClusterImages(drawn), Code(logits[..., 0, 0], none, none))
    torch.testing.assert_close(loss(Images(images), ClusterImages(drawn), code(logits)), whole)


def test_where_all_pixels_are_of_one_mind_the_likelihood_is_the_image_level_one(normal):
    images, drawn = normal(BATCH, CHANNELS, *SIZE), normal(BATCH, CLUSTERS, CHANNELS, *SIZE)
    logits, none = normal(BATCH, CLUSTERS), torch.zeros(BATCH, 0)
    whole = ClusterLikelihood()(Images(images), ClusterImages(drawn), Code(logits, none, none))
    everywhere = code(logits[:, :, None, None].expand(-1, -1, *SIZE))
    torch.testing.assert_close(ClusterLikelihood()(Images(images), ClusterImages(drawn), everywhere), whole)


def test_category_divergence_is_the_sum_over_pixels(normal):
    logits = 3 * normal(BATCH, CLUSTERS, *SIZE)
    q = logits.double().softmax(dim=1)
    expected = sum(
        (q[s, :, y, x] * (q[s, :, y, x] * CLUSTERS).log()).sum().item() / BATCH
        for s, y, x in product(range(BATCH), range(SIZE[0]), range(SIZE[1]))
    )
    assert CategoryDivergence()(code(logits)).item() == pytest.approx(expected, rel=1e-5)


def test_category_divergence_of_maps_lies_between_zero_and_log_k_a_pixel(normal):
    assert CategoryDivergence()(code(torch.ones(2, 5, *SIZE))).item() == pytest.approx(0.0, abs=1e-5)
    certain = 1e4 * torch.nn.functional.one_hot(torch.arange(12).view(1, *SIZE) % 5, 5).permute(0, 3, 1, 2).float()
    assert CategoryDivergence()(code(certain)).item() == pytest.approx(12 * math.log(5), rel=1e-6)
    logits, none = normal(4, 3, 1, 1), torch.zeros(4, 0)
    whole = CategoryDivergence()(Code(logits[..., 0, 0], none, none))
    torch.testing.assert_close(CategoryDivergence()(code(logits)), whole)


def test_style_divergence_is_the_sum_over_the_grid(normal):
    mean, log_variance = normal(BATCH, 5, 2, 3), normal(BATCH, 5, 2, 3)
    prior = CategoricalMap(clusters=CLUSTERS, style_dim=5, sigma=0.4)
    encoded = Normal(mean.double(), (log_variance.double() / 2).exp())
    expected = kl_divergence(encoded, Normal(0.0, 0.4)).sum(dim=(1, 2, 3)).mean().item()
    value = StyleDivergence()(code(normal(BATCH, CLUSTERS, 4, 6), mean, log_variance), prior)
    assert value.item() == pytest.approx(expected, rel=1e-5)


def test_style_divergence_of_a_grid_of_one_place_is_the_image_level_one(normal):
    mean, log_variance, logits, none = normal(4, 5), normal(4, 5), normal(4, CLUSTERS, 1, 1), torch.zeros(4, 0)
    whole = StyleDivergence()(Code(logits[..., 0, 0], mean, none, log_variance), OneHotGaussian(clusters=3, sigma=0.4))
    grid = code(logits, mean[..., None, None], log_variance[..., None, None])
    torch.testing.assert_close(StyleDivergence()(grid, CategoricalMap(clusters=3, sigma=0.4)), whole)


def test_the_image_level_reconstructions_say_what_label_maps_have_instead(normal):
    latent = Latent(category=normal(2, 3, 4, 4), style=normal(2, 1, 2, 2))
    with pytest.raises(LatentclustError, match=r'Set on = \{ cluster_reconstructions = "layers" \}'):
        cluster_reconstructions(lambda latent: normal(2, 3), latent)
