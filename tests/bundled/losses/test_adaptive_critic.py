"""The critic whose prior follows the shares of the clusters: its limits and its weights."""

import pytest
import torch
from pydantic import ValidationError

from latentclust.api import Latent
from latentclust.bundled.losses.adaptive_wasserstein_critic import AdaptiveWassersteinCritic
from latentclust.bundled.losses.wasserstein_critic import WassersteinCritic

CLUSTERS = 4


def prior_sample(count: int) -> Latent:
    """Return latents whose categories have equal shares."""
    category = torch.nn.functional.one_hot(torch.arange(count) % CLUSTERS, CLUSTERS).float()
    return Latent(category=category, style=torch.zeros(count, 2))


def certain(code, *counts: int):
    """Return a code that is certain of each cluster for a number of samples."""
    clusters = torch.repeat_interleave(torch.arange(CLUSTERS), torch.tensor(counts))
    return code(logits=40.0 * torch.nn.functional.one_hot(clusters, CLUSTERS).float())


def test_without_adaptation_it_is_the_wasserstein_critic(normal, code):
    prior, fake = normal(32), normal(32)
    value = AdaptiveWassersteinCritic(adaptation=0)(prior, fake, prior_sample(32), certain(code, 20, 8, 4, 0))
    torch.testing.assert_close(value, WassersteinCritic()(prior, fake))


def test_equal_clusters_have_equal_weights(normal, code):
    prior, fake = normal(32), normal(32)
    value = AdaptiveWassersteinCritic(adaptation=0.7)(prior, fake, prior_sample(32), certain(code, 8, 8, 8, 8))
    torch.testing.assert_close(value, WassersteinCritic()(prior, fake))


@pytest.mark.parametrize("adaptation", [0.25, 0.8, 1.0])
def test_unequal_shares_of_certain_clusters_cost_one_minus_the_adaptation(code, adaptation):
    heights = torch.tensor([3.0, 1.0, -1.0, 0.5])  # the critic's score of each one-hot vertex
    counts, sample = (20, 8, 3, 1), prior_sample(32)
    of_code = torch.repeat_interleave(heights, torch.tensor(counts))
    of_prior = sample.category @ heights
    value = AdaptiveWassersteinCritic(adaptation=adaptation)(of_prior, of_code, sample, certain(code, *counts))
    expected = (1 - adaptation) * (of_code.mean() - heights.mean())
    torch.testing.assert_close(value, expected, atol=1e-5, rtol=0)


def test_no_gradient_flows_into_the_code_through_the_weights(normal, code):
    logits = normal(16, CLUSTERS).requires_grad_()
    prior = normal(16).requires_grad_()
    AdaptiveWassersteinCritic()(prior, normal(16), prior_sample(16), code(logits=logits)).backward()
    assert logits.grad is None
    assert prior.grad.sum().item() == pytest.approx(-1.0, rel=1e-5)


@pytest.mark.parametrize("adaptation", [-0.1, 1.1])
def test_refuses_an_adaptation_outside_of_0_to_1(adaptation):
    with pytest.raises(ValidationError, match="adaptation"):
        AdaptiveWassersteinCritic(adaptation=adaptation)
