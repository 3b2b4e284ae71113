"""Role networks: what each returns, how they start, and how wide their features are."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from latentclust.assemble.build import build_networks
from latentclust.assemble.resolve import Resolved
from latentclust.networks.images import (
    NORMAL_STD,
    CriticNetwork,
    DiscriminatorNetwork,
    EncoderNetwork,
    GeneratorNetwork,
    TrunkNetwork,
    initialise,
)
from latentclust.specs.backbones import Extractor
from latentclust.tensors import Features, Images, Latent, Vectors


class Halves(Extractor):
    """A linear map to `width`, with the sample itself as features; float16, as under autocast."""

    def __init__(self, reads: int, width: int) -> None:
        super().__init__()
        self.map = nn.Linear(reads, width)
        self.width = width
        self.feature_width = reads

    def forward(self, sample: Tensor) -> tuple[Tensor, Tensor]:
        return self.map(sample), sample


class Pretrained(Halves):
    """The same, with loaded weights."""

    def preset(self) -> tuple[nn.Module, ...]:
        return (self.map,)


def test_the_head_of_an_encoder_is_logits_then_style() -> None:
    encoder = EncoderNetwork(Halves(4, 6), clusters=3, style_dim=2)
    sample = torch.rand(5, 4)
    code = encoder(Images(sample))
    whole = encoder.head(encoder.body.map(sample))
    assert torch.equal(code.logits, whole[:, :3])
    assert torch.equal(code.style, whole[:, 3:])
    assert torch.equal(code.features, sample)
    assert torch.equal(encoder.represent(sample), encoder.body.map(sample))


def test_the_output_of_a_network_is_float32_for_any_precision_inside() -> None:
    sample = torch.rand(5, 4)
    with torch.autocast("cpu", torch.bfloat16):
        code = EncoderNetwork(Halves(4, 6), 3, 2)(Images(sample))
        score = CriticNetwork(Halves(4, 6))(Images(sample))
        pair = DiscriminatorNetwork(Halves(4, 6))(Features(sample[:, :1].bfloat16()), Vectors(sample[:, 1:]))
        image = GeneratorNetwork(nn.Linear(4, 2))(Latent(sample[:, :3], sample[:, 3:]))
        shared = TrunkNetwork(Halves(4, 6)).represent(sample)
    assert {part.dtype for part in (code.logits, code.style, score, pair, image, shared)} == {torch.float32}


def test_scores_are_one_number_a_sample() -> None:
    sample = torch.rand(5, 4)
    critic = CriticNetwork(Halves(4, 6))
    assert torch.equal(critic(Images(sample)), critic.head(critic.body.map(sample))[:, 0])


def test_a_discriminator_reads_features_and_vectors_side_by_side() -> None:
    discriminator = DiscriminatorNetwork(Halves(5, 6))
    features, vectors = torch.rand(7, 3), torch.rand(7, 2)
    whole = discriminator.head(discriminator.body.map(torch.cat((features, vectors), dim=1)))
    assert torch.equal(discriminator(Features(features), Vectors(vectors)), whole[:, 0])


def test_a_generator_reads_category_then_style() -> None:
    decoder = nn.Linear(5, 4)
    category, style = torch.rand(6, 3), torch.rand(6, 2)
    images = GeneratorNetwork(decoder)(Latent(category, style))
    assert torch.equal(images, decoder(torch.cat((category, style), dim=1)))


def test_a_generator_reads_the_noise_last_and_its_mean_where_there_is_none() -> None:
    decoder = nn.Linear(7, 4)
    category, style, noise = torch.rand(6, 3), torch.rand(6, 2), torch.rand(6, 2)
    generator = GeneratorNetwork(decoder, 2)
    drawn = torch.cat((category, style, noise), dim=1)
    assert torch.equal(generator(Latent(category, style, noise)), decoder(drawn))
    assert torch.equal(generator(Latent(category, style)), decoder(torch.cat((drawn[:, :5], 0 * noise), dim=1)))


def large() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(300, 500), nn.BatchNorm1d(500), nn.ConvTranspose2d(40, 80, 4), nn.Conv2d(40, 80, 4))


def test_normal_is_dcgans() -> None:
    network = large()
    initialise(network, "normal")
    for layer in (network[0], network[2], network[3]):
        assert layer.weight.std().item() == pytest.approx(NORMAL_STD, rel=0.02)
        assert layer.weight.mean().item() == pytest.approx(0, abs=NORMAL_STD / 50)
        assert not layer.bias.any()
    assert torch.equal(network[1].weight, torch.ones(500))


def test_xavier_normal_has_glorots_variance() -> None:
    network = large()
    initialise(network, "xavier-normal")
    for layer, fans in ((network[0], 300 + 500), (network[2], (40 + 80) * 16), (network[3], (40 + 80) * 16)):
        assert layer.weight.var().item() == pytest.approx(2 / fans, rel=0.03)
        assert not layer.bias.any()


def test_default_touches_nothing() -> None:
    network = large()
    before = [parameter.clone() for parameter in network.parameters()]
    initialise(network, "default")
    assert all(map(torch.equal, before, network.parameters()))


@pytest.mark.parametrize("init", ["normal", "xavier-normal"])
def test_pretrained_weights_are_left_alone_and_the_head_is_not(init: str) -> None:
    critic = CriticNetwork(Pretrained(4, 6))
    loaded, head = critic.body.map.weight.clone(), critic.head.weight.clone()
    initialise(critic, init)
    assert torch.equal(critic.body.map.weight, loaded)
    assert not torch.equal(critic.head.weight, head)


Build = Callable[..., dict[str, nn.Module]]


@pytest.fixture
def build(tables: dict, resolved: Callable[..., Resolved]) -> Build:
    """The small recipe's networks, for vectors of 100, under settings."""
    return lambda *settings: build_networks(resolved(tables, *settings), (100,))


def weights(networks: dict[str, nn.Module]) -> Tensor:
    return torch.cat([parameter.flatten() for network in networks.values() for parameter in network.parameters()])


def test_the_seed_alone_decides_the_weights(build: Build) -> None:
    torch.manual_seed(11)
    one = build("seed=3")
    torch.manual_seed(12)
    assert torch.equal(weights(one), weights(build("seed=3")))
    assert not torch.equal(weights(one), weights(build("seed=4")))


def test_building_draws_nothing_from_the_global_generator(build: Build) -> None:
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    build("seed=3")
    assert torch.equal(torch.rand(3), expected)


def test_networks_are_sized_from_data_and_prior(build: Build) -> None:
    networks = build()
    assert networks["encoder"].head.out_features == 4 + 3
    assert networks["critic"].head.out_features == 1
    drawn = networks["generator"](Latent(torch.rand(2, 4), torch.rand(2, 3)))
    assert drawn.shape == (2, 100)


FEATURES_THEN_LATENT = (
    "networks.discriminator={use='mlp', hidden=[5]}",
    "players.generator.networks=['generator', 'encoder', 'discriminator']",
    "losses.mutual-information={use='mutual-information', player='generator'}",
)


def test_a_discriminator_is_sized_by_the_encoders_features_wherever_its_table_stands(
    tables: dict, resolved: Callable[..., Resolved]
) -> None:
    tables["networks"] = {"discriminator": {"use": "mlp"}, **tables["networks"]}
    networks = build_networks(resolved(tables, *FEATURES_THEN_LATENT), (100,))
    assert list(networks) == ["discriminator", "encoder", "generator", "critic"]
    code = networks["encoder"](Images(torch.rand(2, 100)))
    assert networks["encoder"].body.feature_width == code.features.shape[1] == 8
    assert networks["discriminator"].body.stem[1][0].in_features == 8 + 4 + 3


def test_a_critic_of_the_latent_is_as_wide_as_the_latent(build: Build) -> None:
    latent = (
        "networks.critic.reads=latent",
        "losses.critic.on={score_of_real='score_of_prior',score_of_fake='score_of_code'}",
        "losses.adversarial.on={score_of_fake='score_of_code'}",
    )
    assert build(*latent)["critic"].body.stem[1][0].in_features == 4 + 3


def test_a_frozen_network_takes_no_gradient_and_stays_in_evaluation_mode(build: Build) -> None:
    networks = build("networks.encoder.frozen=true", "players.generator.networks=['generator']")
    assert not any(parameter.requires_grad for parameter in networks["encoder"].parameters())
    assert not networks["encoder"].training
    assert networks["generator"].training
