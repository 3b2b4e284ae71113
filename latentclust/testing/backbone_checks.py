"""Checks of image-level backbones in every role, for every sample shape that they accept."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from latentclust.networks.images import CriticNetwork, EncoderNetwork, GeneratorNetwork, TrunkNetwork
from latentclust.specs.backbones import (
    CentroidsSpec,
    DecoderSpec,
    EncoderHeadSpec,
    Extractor,
    ExtractorSpec,
    LayeredDecoderSpec,
    MapExtractorSpec,
)
from latentclust.specs.roles import Encoder, Generator, Represents
from latentclust.tensors import Images, Latent, Shape
from latentclust.testing.network_checks import NetworkUse, check_bf16, check_reached, check_saved, check_seeded, seeded
from latentclust.testing.subject import CLUSTERS, CheckedPart, require, taken

SHAPES: tuple[Shape, ...] = ((20,), (1, 28, 28), (3, 32, 32), (3, 96, 96))
TRIED = 2
"""Number of shapes that are tried, the first ones that the backbone accepts."""

BATCH, STYLE = 3, 2

TOLERANCE = 1e-5
"""Tolerance for float32 sums in a different order."""


def can_play_a_role(subject: CheckedPart) -> None:
    """It makes an extractor, a decoder or centroids, and `bare` returns the same kind of backbone."""
    spec = subject.build()
    kinds = ExtractorSpec | DecoderSpec | MapExtractorSpec | LayeredDecoderSpec | CentroidsSpec
    require(isinstance(spec, kinds), "it makes neither an extractor, nor a decoder, nor centroids")
    bare = spec.bare()
    require(type(bare) is type(spec), f"`bare` gives a {type(bare).__name__}")
    require(bare.bare() == bare, "`bare()` of a bare backbone returns a different backbone")


def reads_samples(subject: CheckedPart) -> None:
    """The representation and features of an extractor have the declared widths, and gradients reach all weights."""
    spec: ExtractorSpec = subject.build()
    for shape in taken(spec.extractor, SHAPES, TRIED):
        encoder, samples = _encoder(spec, shape), _samples(shape)
        body = encoder.body
        require(
            isinstance(encoder, Encoder) and isinstance(encoder, Represents),
            "the encoder built from it is not an Encoder that Represents",
        )
        representation, features = body(samples)
        _check_shape("representation", representation, (BATCH, body.width))
        _check_shape("mid-network features", features, (BATCH, body.feature_width))
        _check_shape("a critic's scores", CriticNetwork(body)(Images(samples)), (BATCH,))
        _check_shape("a trunk's features", TrunkNetwork(body)(Images(samples)), (BATCH, body.width))
        check_reached(partial(_encoder, spec, shape), partial(_code, Images(samples)), samples)


def _encoder(spec: ExtractorSpec, shape: Shape, seed: int = 0) -> EncoderNetwork:
    body = seeded(spec.extractor, shape, seed=seed)
    require(isinstance(body, Extractor), f"it makes a {type(body).__name__}, which is not an Extractor")
    head = spec.head(body.width, CLUSTERS, STYLE) if isinstance(spec, EncoderHeadSpec) else None
    return EncoderNetwork(body, CLUSTERS, STYLE, head=head)


def _code(samples: Images, encoder: EncoderNetwork) -> list[Tensor]:
    code = encoder(samples)
    return [code.vector(), code.features]


def output_does_not_depend_on_the_batch(subject: CheckedPart) -> None:
    """In evaluation mode the representation of a sample does not depend on the other samples of its batch."""
    spec: ExtractorSpec = subject.build()
    shape = taken(spec.extractor, SHAPES)[0]
    body, samples = seeded(spec.extractor, shape).eval(), _samples(shape)
    equal = torch.allclose(body(samples)[0][:1], body(samples[:1])[0], atol=TOLERANCE)
    require(equal, "in evaluation mode its output for a sample depends on the rest of the batch")


def draws_images(subject: CheckedPart) -> None:
    """The images of a decoder have the right shape and range [0, 1], and gradients reach all weights and the style."""
    spec: DecoderSpec = subject.build()
    style_dim = max(STYLE, spec.least_style)
    make = partial(spec.decoder, CLUSTERS + style_dim)
    for shape in taken(make, SHAPES, TRIED):
        generator = _generator(make, shape)
        require(isinstance(generator, Generator), "it makes no generator")
        style = torch.randn(BATCH, style_dim, generator=torch.Generator().manual_seed(1)).requires_grad_()
        latent = Latent(torch.eye(CLUSTERS)[:BATCH], style)
        images = generator(latent)
        _check_shape("images", images, (BATCH, *shape))
        require(images.min() >= 0 and images.max() <= 1, "its images have values outside [0, 1]")
        check_reached(partial(_generator, make, shape), partial(_images, latent), style)


def _generator(make: Callable[[Shape], nn.Module], shape: Shape, seed: int = 0) -> GeneratorNetwork:
    return GeneratorNetwork(seeded(make, shape, seed=seed))


def _images(latent: Latent, generator: GeneratorNetwork) -> list[Tensor]:
    return [generator(latent)]


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
    if isinstance(spec, ExtractorSpec):
        samples = _samples(taken(spec.extractor, SHAPES)[0])
        found.append(NetworkUse(partial(spec.extractor, tuple(samples.shape[1:])), lambda body: body(samples)[0]))
    if isinstance(spec, DecoderSpec):
        width = CLUSTERS + max(STYLE, spec.least_style)
        make = partial(spec.decoder, width)
        latent = torch.randn(BATCH, width, generator=torch.Generator().manual_seed(2))
        found.append(NetworkUse(partial(make, taken(make, SHAPES)[0]), lambda body: body(latent)))
    return found


def _samples(shape: Shape) -> Tensor:
    return torch.rand(BATCH, *shape, generator=torch.Generator().manual_seed(1)).requires_grad_()


def _check_shape(what: str, tensor: Tensor, shape: Shape) -> None:
    require(tuple(tensor.shape) == shape, f"the shape of {what} is {tuple(tensor.shape)}, and not {shape}")
