"""Amortized inference: the posterior that the encoder computes."""

import pytest
import torch
from torch import nn

from latentclust.api import LatentclustError, Model
from latentclust.bundled.inference.amortized import Amortized
from latentclust.bundled.priors import OneHotGaussian

PRIOR = OneHotGaussian(clusters=3, style_dim=2)


def test_is_the_encoders_softmax_and_style(encoder, rng):
    images = torch.randn(5, 5, generator=rng)
    posterior = Amortized().posterior(Model({"encoder": encoder(3)}, PRIOR), images, {}, rng)
    powers = images[:, :3].exp()
    torch.testing.assert_close(posterior.probabilities, powers / powers.sum(dim=1, keepdim=True))
    assert torch.equal(posterior.style, images[:, 3:])
    assert torch.equal(posterior.labels, images[:, :3].argmax(dim=1))


def test_reads_the_network_of_its_option(encoder, rng):
    assert Amortized().needs == ("encoder",)
    inference = Amortized(network="recognition")
    assert inference.needs == ("recognition",)
    model = Model({"recognition": encoder(3)}, PRIOR)
    assert inference.posterior(model, torch.zeros(2, 5), {}, rng).probabilities.shape == (2, 3)


def test_learns_nothing_and_reads_no_image_for_it(encoder, rng):
    unread = (pytest.fail("read") for _ in range(1))
    assert Amortized().fit(Model({"encoder": encoder(3)}, PRIOR), unread, rng) == {}


def test_returns_float32_of_half_precision(encoder, rng):
    posterior = Amortized().posterior(
        Model({"encoder": encoder(3)}, PRIOR), torch.randn(4, 5, generator=rng).bfloat16(), {}, rng
    )
    assert posterior.probabilities.dtype == posterior.style.dtype == torch.float32


def test_refuses_a_network_that_is_not_an_encoder(rng):
    model = Model({"critic": nn.Identity()}, PRIOR)
    with pytest.raises(LatentclustError, match=r"inference\.network: 'critic' does not return a code"):
        Amortized(network="critic").posterior(model, torch.zeros(2, 5), {}, rng)
