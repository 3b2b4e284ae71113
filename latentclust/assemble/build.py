"""Construction of a recipe's networks. Their sizes follow from their inputs and from the prior."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import torch
from torch import nn

from latentclust.assemble.features import build_order, feature_source, reads_codes, reads_features
from latentclust.assemble.resolve import Resolved
from latentclust.errors import Issue, LatentclustError
from latentclust.generators import CPU, fork_generators, seed_generators
from latentclust.networks.images import (
    CentroidsNetwork,
    CriticNetwork,
    DiscriminatorNetwork,
    EncoderNetwork,
    GeneratorNetwork,
    HeadsNetwork,
    TrunkNetwork,
    initialise,
)
from latentclust.networks.input_checks import InputCheck
from latentclust.networks.maps import EncoderMapNetwork, HeadsMapNetwork, LayeredGeneratorNetwork, TrunkMapNetwork
from latentclust.recipe.schema import NetworkTable
from latentclust.specs.backbones import (
    CentroidsSpec,
    DecoderSpec,
    EncoderHeadSpec,
    Extractor,
    ExtractorSpec,
    LayeredDecoderSpec,
    MapExtractorSpec,
)
from latentclust.specs.parts import MapPriorSpec, PriorSpec
from latentclust.tensors import Shape

Built = TypeVar("Built")

DEFAULT_SUB_HEADS = 5
"""Number of sub-heads of a network of the role `heads` by default (Ji et al. 2019)."""


@contextmanager
def add_table_context(place: str) -> Iterator[None]:
    """Add the recipe table to the issues that a part raises in the block."""
    try:
        yield
    except LatentclustError as error:
        raise LatentclustError(*(Issue(f"{place} ({i.where})", i.what, i.fix) for i in error.issues)) from error


def build_networks(resolved: Resolved, shape: Shape) -> dict[str, nn.Module]:
    """Return the recipe's networks for samples of `shape`. Their initial weights depend on the recipe's seed alone.

    Raises:
        LatentclustError: If a backbone cannot read or draw samples of this shape.
    """
    tables, prior = resolved.recipe.networks, resolved.prior
    resolved = replace(resolved, backbones={name: spec.for_prior(prior) for name, spec in resolved.backbones.items()})
    networks: dict[str, nn.Module] = {}
    build = _build_map_network if resolved.prior.per_pixel else _build
    with fork_generators(CPU):
        seed_generators(CPU, resolved.recipe.seed)
        for name in build_order(resolved.recipe, resolved.roles):
            with add_table_context(f"networks.{name}"):
                network = build(resolved, name, shape, networks)
            _initialise(network, name, tables[name])
            if expected := _expected(resolved, name, shape, networks):
                network.register_forward_pre_hook(InputCheck(name, expected))
            if tables[name].frozen:
                network.requires_grad_(False).eval()
            networks[name] = network
    for name, table in tables.items():
        if table.follows is not None:
            _begin_as_copy(networks, name, table.follows)
    return {name: networks[name] for name in tables}


def _begin_as_copy(networks: Mapping[str, nn.Module], name: str, followed: str) -> None:
    """Copy the weights that a network follows. Raise LatentclustError if the networks differ."""
    own, other = networks[name].state_dict(), networks[followed].state_dict()
    if {key: value.shape for key, value in own.items()} != {key: value.shape for key, value in other.items()}:
        what = f"the weights of {name!r} and {followed!r} differ in their names or shapes"
        fix = f"Give [networks.{name}] the same keys as [networks.{followed}]"
        raise LatentclustError.at(f"networks.{name}.follows", what, fix)
    networks[name].load_state_dict(other)
    networks[name].requires_grad_(False)


def build_without_memory(resolved: Resolved, shape: Shape) -> nn.ModuleDict | None:
    """Return the recipe's networks without values, on torch's meta device, which needs no memory.

    Pretrained weights are not read.

    Returns:
        The networks, whose tensors have only shapes and types. None if a backbone cannot be built in this way.

    Raises:
        LatentclustError: As `build_networks`.
    """
    bare = replace(resolved, backbones={name: spec.bare() for name, spec in resolved.backbones.items()})
    return on_meta(lambda: nn.ModuleDict(build_networks(bare, shape)))


def on_meta(build: Callable[[], Built]) -> Built | None:
    """Return what is built on torch's meta device. None if it cannot be built there."""
    try:
        with torch.device("meta"):
            return build()
    except (NotImplementedError, RuntimeError, TypeError, ValueError):
        return None


def _initialise(network: nn.Module, name: str, table: NetworkTable) -> None:
    """Set a network's initial weights. Raise LatentclustError if `init` changes no layer of it."""
    if not initialise(network, table.init) and table.init != "default":
        what = f"{table.init!r} changes no layer of {table.use}, whose layers are pretrained or neither linear nor 2-D"
        raise LatentclustError.at(f"networks.{name}.init", what, 'Remove it, or set it to "default"')


def _build(resolved: Resolved, name: str, shape: Shape, built: dict[str, nn.Module]) -> nn.Module:
    """Return a network of whole samples."""
    table, role, spec, prior = (
        resolved.recipe.networks[name],
        resolved.roles[name],
        resolved.backbones[name],
        resolved.prior,
    )
    if isinstance(spec, DecoderSpec) and role == "generator":
        return GeneratorNetwork(spec.decoder(prior.width + prior.noise_width, shape), prior.noise_width)
    if isinstance(spec, CentroidsSpec):
        return CentroidsNetwork(spec.centroids(prior.clusters, _compared_width(resolved, table, role, built)))
    assert isinstance(spec, ExtractorSpec), "resolve checked that the backbone can play the role"
    body = spec.extractor(_input_shape(resolved, table, role, shape, built))
    return with_head(spec, body, role, table, prior)


def with_head(spec: ExtractorSpec, body: Extractor, role: str, table: NetworkTable, prior: PriorSpec) -> nn.Module:
    """Return a backbone's body with the head of a role."""
    match role:
        case "encoder":
            sizes = (prior.clusters, prior.style_dim)
            head = spec.head(body.width, *sizes) if isinstance(spec, EncoderHeadSpec) else None
            return EncoderNetwork(body, *sizes, table.log_variance, head, categorical=prior.categories > 0)
        case "critic":
            return CriticNetwork(body)
        case "discriminator":
            return DiscriminatorNetwork(body)
        case "heads":
            return HeadsNetwork(body, table.heads or DEFAULT_SUB_HEADS, table.clusters or prior.clusters)
        case _:
            return TrunkNetwork(body)


def _input_shape(
    resolved: Resolved, table: NetworkTable, role: str, shape: Shape, built: Mapping[str, nn.Module]
) -> Shape:
    """Return the shape of a network's input."""
    if role == "discriminator":
        return (_feature_width(resolved, table, built) + resolved.prior.width,)
    if table.reads == "features":
        return (_feature_width(resolved, table, built),)
    return (resolved.prior.width,) if table.reads == "latent" else shape


def _expected(resolved: Resolved, name: str, shape: Shape, built: Mapping[str, nn.Module]) -> Shape | None:
    """Return the shape of a sample that a network is called with. None for a generator of label maps."""
    table, role, prior = resolved.recipe.networks[name], resolved.roles[name], resolved.prior
    if prior.per_pixel:
        return None if role == "generator" else _map_input(resolved, name, shape, built)[1][:1]
    if role == "generator":
        return (prior.width,)
    if role == "centroids":
        return (_compared_width(resolved, table, role, built),)
    return _input_shape(resolved, table, role, shape, built)


def _compared_width(resolved: Resolved, table: NetworkTable, role: str, built: Mapping[str, nn.Module]) -> int:
    """Return the size of the vectors that centroids are compared with: codes, or the features of a network."""
    return resolved.prior.width if reads_codes(table, role) else _feature_width(resolved, table, built)


def _feature_width(resolved: Resolved, table: NetworkTable, built: Mapping[str, nn.Module]) -> int:
    """Return the size of the features that a network reads: a trunk's representation or an encoder's features."""
    network = built[feature_source(resolved.recipe, table)]
    if isinstance(network, TrunkNetwork):
        return network.body.width
    assert isinstance(network, EncoderNetwork), "resolve checked the source of the features"
    return network.body.feature_width


def _build_map_network(resolved: Resolved, name: str, shape: Shape, built: Mapping[str, nn.Module]) -> nn.Module:
    """Return a network of label maps."""
    table, spec, prior = resolved.recipe.networks[name], resolved.backbones[name], resolved.prior
    assert isinstance(prior, MapPriorSpec), "resolve checked that such a backbone comes with label maps"
    style_stride = prior.style_stride
    if isinstance(spec, LayeredDecoderSpec):
        body = spec.layered_decoder(prior.clusters, prior.style_dim, style_stride, shape)
        return LayeredGeneratorNetwork(body, style_stride)
    stride, shape = _map_input(resolved, name, shape, built)
    if isinstance(spec, CentroidsSpec):
        return CentroidsNetwork(spec.centroids(prior.clusters, shape[0]))
    assert isinstance(spec, MapExtractorSpec), "resolve checked that the backbone can play the role"
    extractor = spec.map_extractor(shape)
    _check_stride(stride * extractor.stride, shape, stride)
    match resolved.roles[name]:
        case "encoder":
            _check_style(prior.style_dim)
            _check_style_stride(style_stride, stride * extractor.stride, [side * stride for side in shape[1:]])
            variance = table.log_variance
            return EncoderMapNetwork(extractor, prior.clusters, prior.style_dim, style_stride, variance, stride)
        case "heads":
            return HeadsMapNetwork(
                extractor, table.heads or DEFAULT_SUB_HEADS, table.clusters or prior.clusters, stride
            )
        case _:
            return TrunkMapNetwork(extractor, stride)


def _map_input(resolved: Resolved, name: str, shape: Shape, built: Mapping[str, nn.Module]) -> tuple[int, Shape]:
    """Return stride and shape of the input of a network of label maps: images of `shape`, or a trunk's map of them."""
    table = resolved.recipe.networks[name]
    if table.reads == "latent":
        raise LatentclustError.at(
            "reads",
            "must be images or features in a system of label maps, got 'latent'",
            "Use reads = 'images' or 'features'",
        )
    if not reads_features(table, resolved.roles[name]):
        return 1, shape
    source = feature_source(resolved.recipe, table)
    network = built[source]
    if not isinstance(network, TrunkMapNetwork):
        what = f"{source!r} is an encoder of label maps, which has no feature map"
        raise LatentclustError.at("features_of", what, "Use a network with the role trunk")
    return network.stride, (network.body.width, *(side // network.stride for side in shape[1:]))


def _check_stride(stride: int, shape: Shape, read_at: int) -> None:
    """Raise LatentclustError if a stride does not divide the image sides."""
    sides = [side * read_at for side in shape[1:]]
    if any(side % stride for side in sides):
        what = f"a stride of {stride} does not divide images of {sides[0]}x{sides[1]} pixels"
        raise LatentclustError.at("strides", what, f"Use sides that are multiples of {stride}, or other strides")


def _check_style(style_dim: int) -> None:
    """Raise LatentclustError for an encoder of label maps without a style, for which torch has no convolution."""
    if not style_dim:
        what = "must be at least 1 for an encoder of label maps, got 0"
        raise LatentclustError.at("prior.style_dim", what, "Set style_dim = 1 or more")


def _check_style_stride(style_stride: int, stride: int, sides: list[int]) -> None:
    """Raise LatentclustError if the style's grid does not divide the image, or does not match the encoder's map."""
    if any(side % style_stride for side in sides):
        what = f"{style_stride} does not divide images of {sides[0]}x{sides[1]} pixels"
        raise LatentclustError.at("prior.style_stride", what, "Use a divisor of both sides")
    if style_stride % stride:
        what = f"{style_stride} is not a multiple of the stride of the encoder's map, {stride}"
        raise LatentclustError.at("prior.style_stride", what, "Use a multiple of the encoder's stride")
