"""Backbones in every role that they can play, and priors."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from latentclust.bodies import DecoderSpec, Extractor, ExtractorSpec, LayeredDecoderSpec, MapExtractor, MapExtractorSpec
from latentclust.errors import LatentclustError
from latentclust.map_networks import (
    EncoderMapNetwork,
    HeadsMapNetwork,
    LayeredGeneratorNetwork,
    TrunkMapNetwork,
    compose,
)
from latentclust.networks import CriticNetwork, EncoderNetwork, GeneratorNetwork, TrunkNetwork
from latentclust.registry import Part
from latentclust.roles import Encoder, Generator, Heads, LayeredGenerator, Represents, Trunk
from latentclust.specs import MapPriorSpec, PriorSpec
from latentclust.tensors import Images, Latent, Shape

SHAPES: tuple[Shape, ...] = ((20,), (1, 28, 28), (3, 32, 32), (3, 96, 96))
MAP_SHAPES: tuple[Shape, ...] = ((3, 64, 64), (1, 32, 48))
BATCH, CLUSTERS, STYLE, STYLE_STRIDE = 3, 4, 2, 16


def suits(build: Any) -> list[Shape]:
    """The first two shapes that a body can take; others it must refuse in words."""
    taken: list[Shape] = []
    for shape in SHAPES:
        try:
            build(shape)
        except LatentclustError:
            continue
        taken.append(shape)
        if len(taken) == 2:
            break
    return taken


def samples(shape: Shape) -> Tensor:
    return torch.rand(BATCH, *shape, generator=torch.Generator().manual_seed(1)).requires_grad_()


def unreached(network: nn.Module) -> list[str]:
    """The names of parameters that a gradient did not reach."""
    return [name for name, parameter in network.named_parameters() if parameter.grad is None]


def test_a_backbone_can_play_a_role(backbone: Part, make: Any) -> None:
    spec = make(backbone)
    assert isinstance(spec, ExtractorSpec | DecoderSpec | MapExtractorSpec | LayeredDecoderSpec)
    bare = spec.bare()
    assert type(bare) is type(spec)
    assert bare.bare() == bare


def test_an_extractor_encodes_scores_and_represents(extractor: Part, make: Any) -> None:
    spec: ExtractorSpec = make(extractor)
    torch.manual_seed(0)
    shapes = suits(spec.extractor)
    assert shapes, "it takes no shape at all"
    for shape in shapes:
        body, images = spec.extractor(shape), samples(shape)
        assert isinstance(body, Extractor)
        encoder = EncoderNetwork(body, CLUSTERS, STYLE)
        assert isinstance(encoder, Encoder)
        assert isinstance(encoder, Represents)
        code = encoder(Images(images))
        assert code.logits.shape == (BATCH, CLUSTERS)
        assert code.style.shape == (BATCH, STYLE)
        assert code.features.shape == (BATCH, body.feature_width)
        assert encoder.represent(images).shape == (BATCH, body.width)
        (code.vector().square().sum() + code.features.square().sum()).backward()
        assert images.grad is not None
        assert images.grad.abs().sum() > 0
        assert unreached(encoder) == []
        assert CriticNetwork(body)(Images(images)).shape == (BATCH,)
        assert TrunkNetwork(body)(Images(images)).shape == (BATCH, body.width)


def test_in_evaluation_a_sample_is_read_alike_in_any_company(extractor: Part, make: Any) -> None:
    spec: ExtractorSpec = make(extractor)
    torch.manual_seed(0)
    shape = suits(spec.extractor)[0]
    body, images = spec.extractor(shape).eval(), samples(shape)
    together, alone = body(images)[0][:1], body(images[:1])[0]
    assert torch.allclose(together, alone, atol=1e-5)


def test_a_decoder_draws_images_in_the_unit_interval(decoder: Part, make: Any) -> None:
    spec: DecoderSpec = make(decoder)
    torch.manual_seed(0)
    shapes = suits(lambda shape: spec.decoder(CLUSTERS + STYLE, shape))
    assert shapes, "it takes no shape at all"
    for shape in shapes:
        generator = GeneratorNetwork(spec.decoder(CLUSTERS + STYLE, shape))
        assert isinstance(generator, Generator)
        style = torch.randn(BATCH, STYLE).requires_grad_()
        images = generator(Latent(torch.eye(CLUSTERS)[:BATCH], style))
        assert images.shape == (BATCH, *shape)
        assert images.min() >= 0
        assert images.max() <= 1
        images.square().sum().backward()
        assert style.grad is not None
        assert style.grad.abs().sum() > 0
        assert unreached(generator) == []


@pytest.mark.parametrize("shape", MAP_SHAPES, ids=str)
def test_a_map_extractor_reads_every_pixel(map_extractor: Part, make: Any, shape: Shape) -> None:
    spec: MapExtractorSpec = make(map_extractor)
    torch.manual_seed(0)
    body, images = spec.map_extractor(shape), samples(shape)
    _, height, width = shape
    grid = (height // body.stride, width // body.stride)
    assert isinstance(body, MapExtractor)
    encoder = EncoderMapNetwork(body, CLUSTERS, STYLE, STYLE_STRIDE)
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, Represents)
    code = encoder(Images(images))
    assert code.logits.shape == (BATCH, CLUSTERS, height, width)
    assert code.style.shape == (BATCH, STYLE, height // STYLE_STRIDE, width // STYLE_STRIDE)
    assert code.features.shape == (BATCH, 0)
    assert encoder.represent(images).shape == (BATCH, body.width, *grid)
    (code.logits.square().sum() + code.style.square().sum()).backward()
    assert images.grad is not None
    assert (images.grad.abs().sum(dim=1) > 0).any(dim=0).float().mean() > 0.5
    assert unreached(encoder) == []
    trunk, heads = TrunkMapNetwork(body), HeadsMapNetwork(body, 2, CLUSTERS)
    assert isinstance(trunk, Trunk)
    assert isinstance(heads, Heads)
    assert trunk(Images(images)).shape == (BATCH, body.width, *grid)
    assert heads(Images(images)).shape == (BATCH, 2, CLUSTERS, height, width)


def test_in_evaluation_an_image_is_read_alike_in_any_company(map_extractor: Part, make: Any) -> None:
    spec: MapExtractorSpec = make(map_extractor)
    torch.manual_seed(0)
    body, images = spec.map_extractor(MAP_SHAPES[0]).eval(), samples(MAP_SHAPES[0])
    assert torch.allclose(body(images)[:1], body(images[:1]), atol=1e-5)


@torch.no_grad()
def moved_a_little(network: nn.Module) -> None:
    """Adds noise to every parameter."""
    for parameter in network.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))


@pytest.mark.parametrize("shape", MAP_SHAPES, ids=str)
def test_a_layered_decoder_draws_a_layer_a_cluster(layered_decoder: Part, make: Any, shape: Shape) -> None:
    spec: LayeredDecoderSpec = make(layered_decoder)
    torch.manual_seed(0)
    body = spec.layered_decoder(CLUSTERS, STYLE, STYLE_STRIDE, shape)
    moved_a_little(body)  # a layer may begin at zero, which lets no gradient through
    generator = LayeredGeneratorNetwork(body, STYLE_STRIDE)
    assert isinstance(generator, LayeredGenerator)
    _, height, width = shape
    style = torch.randn(BATCH, STYLE, height // STYLE_STRIDE, width // STYLE_STRIDE).requires_grad_()
    layers = generator.per_cluster(style)
    assert layers.shape == (BATCH, CLUSTERS, *shape)
    assert layers.min() >= 0
    assert layers.max() <= 1
    category = torch.full((BATCH, CLUSTERS, height, width), 1 / CLUSTERS)
    images = generator(Latent(category, style))
    torch.testing.assert_close(images, compose(category, layers))
    images.square().sum().backward()
    assert style.grad is not None
    assert style.grad.abs().sum() > 0
    assert unreached(generator) == []


@pytest.mark.parametrize("shape", [(20,), (2, 3)], ids=str)
def test_backbones_of_label_maps_refuse_what_is_no_image(backbone: Part, make: Any, shape: Shape) -> None:
    spec = make(backbone)
    if isinstance(spec, MapExtractorSpec):
        with pytest.raises(LatentclustError, match="images"):
            spec.map_extractor(shape)
    if isinstance(spec, LayeredDecoderSpec):
        with pytest.raises(LatentclustError, match="images"):
            spec.layered_decoder(CLUSTERS, STYLE, STYLE_STRIDE, shape)


def draw(spec: PriorSpec, seed: int, count: int = 400) -> Latent:
    return spec.sample(count, torch.Generator().manual_seed(seed))


def flat(latent: Latent) -> Tensor:
    """Category and style as one row a draw, whether of vectors or of maps."""
    return torch.cat((latent.category.flatten(1), latent.style.flatten(1)), dim=1)


def test_a_prior_draws_latents_of_its_shape(prior: Part, make: Any) -> None:
    spec: PriorSpec = make(prior)
    drawn = draw(spec, 0)
    assert drawn.category.shape[:2] == (400, spec.categories)
    assert drawn.style.shape[:2] == (400, spec.style_dim)
    assert drawn.category.dim() == drawn.style.dim() == (4 if spec.per_pixel else 2)
    if isinstance(spec, MapPriorSpec):
        assert drawn.category.shape[2:] == tuple(side * spec.style_stride for side in drawn.style.shape[2:])
    else:
        assert drawn.vector().shape == (400, spec.width)
    assert drawn.category.dtype == drawn.style.dtype == torch.float32
    assert torch.isfinite(flat(drawn)).all()
    assert spec.categories in (0, spec.clusters)


def test_a_priors_categories_are_one_hot_and_all_met(prior: Part, make: Any) -> None:
    spec: PriorSpec = make(prior)
    category = draw(spec, 0).category
    assert set(category.unique().tolist()) <= {0.0, 1.0}
    if spec.categories:
        assert (category.sum(dim=1) == 1).all()
        assert (category.amax(dim=0) > 0).all()


def test_a_prior_is_decided_by_its_generator_alone(prior: Part, make: Any) -> None:
    spec: PriorSpec = make(prior)
    torch.manual_seed(5)
    first = flat(draw(spec, 1))
    torch.manual_seed(6)
    state = torch.get_rng_state()
    assert torch.equal(flat(draw(spec, 1)), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(flat(draw(spec, 2)), first)


def test_a_priors_draws_are_independent(prior: Part, make: Any) -> None:
    vectors = flat(draw(make(prior), 3))
    assert len(vectors.unique(dim=0)) == 400


@pytest.mark.parametrize("clusters", [1, 0, -3])
def test_a_prior_refuses_fewer_than_two_clusters(prior: Part, registry: Any, clusters: int) -> None:
    with pytest.raises(LatentclustError, match=r"prior\.clusters: -?\d is refused\. Input should be greater than or"):
        registry.build("prior", prior.qualified, {"clusters": clusters}, "prior")
