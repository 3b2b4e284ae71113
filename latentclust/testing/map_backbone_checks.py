"""Checks of per-pixel backbones in every role."""

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from latentclust.errors import LatentclustError
from latentclust.networks.maps import (
    EncoderMapNetwork,
    HeadsMapNetwork,
    LayeredGeneratorNetwork,
    TrunkMapNetwork,
    compose,
)
from latentclust.specs.backbones import LayeredDecoder, LayeredDecoderSpec, MapExtractor, MapExtractorSpec
from latentclust.specs.roles import Encoder, Heads, LayeredGenerator, Represents, Trunk
from latentclust.tensors import Images, Latent, Shape
from latentclust.testing.backbone_checks import TOLERANCE
from latentclust.testing.network_checks import NetworkUse, check_bf16, check_reached, check_saved, check_seeded, seeded
from latentclust.testing.subject import CLUSTERS, CheckedPart, CheckFailed, require, taken

SHAPES: tuple[Shape, ...] = ((3, 64, 64), (1, 32, 48))
NO_IMAGES: tuple[Shape, ...] = ((20,), (2, 3))
BATCH, STYLE, STYLE_STRIDE = 3, 2, 16

NOISE = 0.1
"""Standard deviation of the noise added to the weights of a layered decoder."""

SEEN = 0.5
"""Minimum share of pixels that influence the codes. Strides may skip some pixels."""


def reads_every_pixel(subject: CheckedPart) -> None:
    """The map of a map extractor has the declared width and stride, and gradients reach all weights and most pixels."""
    spec: MapExtractorSpec = subject.build()
    for shape in taken(spec.map_extractor, SHAPES, len(SHAPES)):
        encoder, images = _encoder(spec, shape), _images(shape)
        require(isinstance(encoder, Encoder) and isinstance(encoder, Represents), "it makes no encoder")
        _check_maps(encoder.body, encoder, images)
        check_reached(partial(_encoder, spec, shape), partial(_code, Images(images)), images)
        assert images.grad is not None, "backward sets the gradient of the input"
        seen = (images.grad.abs().sum(dim=1) > 0).any(dim=0).float().mean()
        require(seen > SEEN, f"its codes depend on {float(seen):.0%} of the pixels")


def _encoder(spec: MapExtractorSpec, shape: Shape, seed: int = 0) -> EncoderMapNetwork:
    body = seeded(spec.map_extractor, shape, seed=seed)
    if not isinstance(body, MapExtractor):
        raise CheckFailed(f"it makes a {type(body).__name__}, which is not a MapExtractor")
    return EncoderMapNetwork(body, CLUSTERS, STYLE, STYLE_STRIDE)


def _code(images: Images, encoder: EncoderMapNetwork) -> list[Tensor]:
    code = encoder(images)
    return [code.logits, code.style]


def _check_maps(body: MapExtractor, encoder: EncoderMapNetwork, images: Tensor) -> None:
    _, _, height, width = images.shape
    grid = (height // body.stride, width // body.stride)
    trunk, heads = TrunkMapNetwork(body), HeadsMapNetwork(body, 2, CLUSTERS)
    require(
        isinstance(trunk, Trunk) and isinstance(heads, Heads),
        "the trunk or the heads built from it have the wrong type",
    )
    code, style = encoder(Images(images)), (height // STYLE_STRIDE, width // STYLE_STRIDE)
    for what, tensor, shape in (
        ("map", body(images), (BATCH, body.width, *grid)),
        ("logits", code.logits, (BATCH, CLUSTERS, height, width)),
        ("style", code.style, (BATCH, STYLE, *style)),
        ("trunk's features", trunk(Images(images)), (BATCH, body.width, *grid)),
        ("heads' logits", heads(Images(images)), (BATCH, 2, CLUSTERS, height, width)),
    ):
        require(tuple(tensor.shape) == shape, f"the shape of its {what} is {tuple(tensor.shape)}, and not {shape}")


def output_does_not_depend_on_the_batch(subject: CheckedPart) -> None:
    """In evaluation mode the map of an image does not depend on the other images of its batch."""
    spec: MapExtractorSpec = subject.build()
    shape = taken(spec.map_extractor, SHAPES)[0]
    body, images = seeded(spec.map_extractor, shape).eval(), _images(shape)
    equal = torch.allclose(body(images)[:1], body(images[:1]), atol=TOLERANCE)
    require(equal, "in evaluation mode its output for an image depends on the rest of the batch")


def draws_one_layer_per_cluster(subject: CheckedPart) -> None:
    """The layers of a layered decoder have the right shape and range [0, 1], and gradients reach weights and style."""
    spec: LayeredDecoderSpec = subject.build()
    for shape in taken(partial(_layers, spec), SHAPES, len(SHAPES)):
        generator = _generator(spec, shape)
        require(isinstance(generator, LayeredGenerator), "it makes no generator of layers")
        style = _style(shape).requires_grad_()
        layers = generator.per_cluster(style)
        fits = tuple(layers.shape) == (BATCH, CLUSTERS, *shape)
        require(fits, f"the shape of its layers is {tuple(layers.shape)}, and not {(BATCH, CLUSTERS, *shape)}")
        require(layers.min() >= 0 and layers.max() <= 1, "its layers leave [0, 1]")
        require(_interpolate(generator.nodes(style), layers), "its layers are not its interpolated nodes")
        category = torch.full((BATCH, CLUSTERS, *shape[1:]), 1 / CLUSTERS)
        latent = Latent(category, style)
        require(
            torch.allclose(generator(latent), compose(category, layers)),
            "the generator's image differs from the composition of its layers",
        )
        check_reached(partial(_generator, spec, shape), partial(_drawn, latent), style)


def _interpolate(nodes: Tensor | None, layers: Tensor) -> bool:
    """Return whether nodes, if there are any, interpolate to the layers."""
    if nodes is None:
        return True
    sides = tuple(layers.shape[3:])
    drawn = functional.interpolate(nodes.flatten(1, 2), size=sides, mode="bilinear", align_corners=False)
    return torch.allclose(drawn.view_as(layers), layers, atol=TOLERANCE)


def _generator(spec: LayeredDecoderSpec, shape: Shape, seed: int = 0) -> LayeredGeneratorNetwork:
    return LayeredGeneratorNetwork(seeded(_layers, spec, shape, seed=seed), STYLE_STRIDE)


def _drawn(latent: Latent, generator: LayeredGeneratorNetwork) -> list[Tensor]:
    return [generator(latent)]


def rejects_invalid_images(subject: CheckedPart) -> None:
    """Samples that are not images are rejected with a message that mentions images."""
    spec = subject.build()
    for shape in NO_IMAGES:
        try:
            if isinstance(spec, MapExtractorSpec):
                spec.map_extractor(shape)
            else:
                spec.layered_decoder(CLUSTERS, STYLE, STYLE_STRIDE, shape)
        except LatentclustError as error:
            require("images" in str(error), f"its error for samples of {shape} does not mention images")
            continue
        raise CheckFailed(f"it accepts samples of {shape}, which are not images")


def runs_in_bf16(subject: CheckedPart) -> None:
    """Its output under bf16 autocast is finite."""
    for use in _uses(subject):
        check_bf16(use)


def round_trips_through_a_checkpoint(subject: CheckedPart) -> None:
    """A new backbone with its weights, restored from safetensors, has the same output bit for bit."""
    for use in _uses(subject):
        check_saved(use)


def initial_weights_depend_only_on_the_seed(subject: CheckedPart) -> None:
    """Two backbones built from the same seed have the same weights."""
    for use in _uses(subject):
        check_seeded(use)


def _uses(subject: CheckedPart) -> list[NetworkUse]:
    """Return how to build and read the backbone, as an extractor and as a decoder, for the first accepted shape."""
    spec, found = subject.build(), []
    if isinstance(spec, MapExtractorSpec):
        images = _images(taken(spec.map_extractor, SHAPES)[0])
        found.append(NetworkUse(partial(spec.map_extractor, tuple(images.shape[1:])), lambda body: body(images)))
    if isinstance(spec, LayeredDecoderSpec):
        drawn = taken(partial(_layers, spec), SHAPES)[0]
        found.append(NetworkUse(partial(_layers, spec, drawn), lambda body: body(_style(drawn))))
    return found


def _images(shape: Shape) -> Tensor:
    return torch.rand(BATCH, *shape, generator=torch.Generator().manual_seed(1)).requires_grad_()


def _style(shape: Shape) -> Tensor:
    grid = (side // STYLE_STRIDE for side in shape[1:])
    return torch.randn(BATCH, STYLE, *grid, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def _layers(spec: LayeredDecoderSpec, shape: Shape) -> LayeredDecoder:
    """Return a backbone with noise on all parameters. A layer of zeros would stop the gradients."""
    body = spec.layered_decoder(CLUSTERS, STYLE, STYLE_STRIDE, shape)
    for parameter in body.parameters():
        parameter.add_(NOISE * torch.randn_like(parameter))
    return body
