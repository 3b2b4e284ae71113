"""Small networks in all roles for vectors, images and label maps, on which every part can be run."""

import tomllib
from collections.abc import Container, Mapping
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from latentclust.assemble.build import with_head
from latentclust.errors import LatentclustError
from latentclust.networks.images import (
    CentroidsNetwork,
    CriticNetwork,
    DiscriminatorNetwork,
    EncoderNetwork,
    GeneratorNetwork,
    HeadsNetwork,
    TrunkNetwork,
)
from latentclust.networks.maps import EncoderMapNetwork, HeadsMapNetwork, LayeredGeneratorNetwork, TrunkMapNetwork
from latentclust.recipe.schema import NetworkTable
from latentclust.specs.backbones import (
    BackboneSpec,
    CentroidsSpec,
    DecoderSpec,
    EncoderHeadSpec,
    Extractor,
    ExtractorSpec,
    LayeredDecoder,
    MapExtractor,
)
from latentclust.specs.parts import MapPriorSpec, PriorSpec
from latentclust.tensors import Shape
from latentclust.testing.subject import CheckedPart, NotApplicable

WIDTH = 8
"""Width of all representations."""

HEADS = 2

MOST_CHANNELS = 1024
"""Largest width of what centroids are compared with."""


class DenseBody(Extractor):
    """A dense layer with batch normalisation for samples of any shape. The mid-network features are its output."""

    def __init__(self, shape: Shape) -> None:
        """Create a backbone for samples of `shape`."""
        super().__init__()
        self.layer, self.norm = nn.Linear(prod(shape), WIDTH), nn.BatchNorm1d(WIDTH)
        self.width = self.feature_width = WIDTH

    def forward(self, sample: Tensor) -> tuple[Tensor, Tensor]:
        """Map `(b, *shape)` to `(b, width)`, returned twice."""
        representation = self.norm(self.layer(sample.flatten(1))).tanh()
        return representation, representation


class PixelBody(MapExtractor):
    """A convolution with batch normalisation, which preserves the size."""

    def __init__(self, shape: Shape) -> None:
        """Create a backbone for images or maps of `shape`."""
        super().__init__()
        self.layer, self.norm = nn.Conv2d(shape[0], WIDTH, 3, padding=1), nn.BatchNorm2d(WIDTH)
        self.width, self.stride = WIDTH, 1

    def forward(self, sample: Tensor) -> Tensor:
        """Map `(b, c, h, w)` to `(b, width, h, w)`."""
        return self.norm(self.layer(sample)).tanh()  # type: ignore[no-any-return]


class Directions(nn.Module):
    """Products of vectors or maps with one direction per cluster, whatever their width: of features or of latents."""

    def __init__(self, clusters: int) -> None:
        """Create directions for `clusters` clusters."""
        super().__init__()
        self.directions = nn.Parameter(torch.randn(MOST_CHANNELS, clusters))

    def forward(self, features: Tensor) -> Tensor:
        """Map `(b, width, *s)` to `(b, clusters, *s)`."""
        return (features.movedim(1, -1) @ self.directions[: features.shape[1]]).movedim(-1, 1)


class PlainLayers(LayeredDecoder):
    """A 1x1 convolution, upsampled to the size of the images."""

    def __init__(self, clusters: int, style_dim: int, stride: int, channels: int) -> None:
        """Create layers for `clusters` clusters and `channels` channels."""
        super().__init__()
        self.layer = nn.Conv2d(style_dim, clusters * channels, 1)
        self.clusters, self.stride = clusters, stride

    def forward(self, style: Tensor) -> Tensor:
        """Map `(b, d, h', w')` to `(b, k, c, h, w)`."""
        layers = interpolate(self.layer(style).sigmoid(), scale_factor=float(self.stride))
        return layers.view(len(layers), self.clusters, -1, *layers.shape[2:])


def small_network(role: str, prior: PriorSpec, shape: Shape, seed: int = 0) -> nn.Module:
    """Return a network in a role for samples of `shape`. The weights depend only on the seed."""
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(seed)
        if role == "centroids":
            return CentroidsNetwork(Directions(prior.clusters))
        return _of_maps(role, prior, shape) if isinstance(prior, MapPriorSpec) else _of_samples(role, prior, shape)


def _of_samples(role: str, prior: PriorSpec, shape: Shape) -> nn.Module:
    match role:
        case "encoder":
            sizes = prior.clusters, prior.style_dim
            return EncoderNetwork(DenseBody(shape), *sizes, log_variance=True, categorical=prior.categories > 0)
        case "generator":
            return GeneratorNetwork(
                nn.Sequential(nn.Linear(prior.width, prod(shape)), nn.Sigmoid(), nn.Unflatten(1, shape))
            )
        case "critic":
            return CriticNetwork(DenseBody(shape))
        case "discriminator":
            return DiscriminatorNetwork(DenseBody((WIDTH + prior.width,)))
        case "heads":
            return HeadsNetwork(DenseBody(shape), HEADS, prior.clusters)
        case _:
            return TrunkNetwork(DenseBody(shape))


def _of_maps(role: str, prior: MapPriorSpec, shape: Shape) -> nn.Module:
    clusters, style_dim, stride = prior.clusters, prior.style_dim, prior.style_stride
    match role:
        case "encoder":
            return EncoderMapNetwork(PixelBody(shape), clusters, style_dim, stride, log_variance=True)
        case "generator":
            return LayeredGeneratorNetwork(PlainLayers(clusters, style_dim, stride, shape[0]), stride)
        case "heads":
            return HeadsMapNetwork(PixelBody(shape), HEADS, clusters)
        case _:
            return TrunkMapNetwork(PixelBody(shape))


def build_encoder(spec: ExtractorSpec, shape: Shape, clusters: int, style_dim: int) -> EncoderNetwork:
    """Build the encoder of an image-level backbone, with the head of the backbone if it has one.

    Args:
        spec: The backbone.
        shape: Shape of a sample.
        clusters: Number of clusters.
        style_dim: Width of the style.
    """
    body = spec.extractor(shape)
    head = spec.head(body.width, clusters, style_dim) if isinstance(spec, EncoderHeadSpec) else None
    return EncoderNetwork(body, clusters, style_dim, head=head)


def own_network(spec: BackboneSpec, role: str, prior: PriorSpec, shape: Shape) -> nn.Module:
    """Return a network with a backbone in a role.

    Raises:
        LatentclustError: If the backbone cannot read or draw samples of the shape, or those of label maps.
    """
    spec = spec.for_prior(prior)
    if isinstance(spec, CentroidsSpec) and role == "centroids":
        return CentroidsNetwork(spec.centroids(prior.clusters, WIDTH))
    if isinstance(spec, DecoderSpec) and role == "generator" and not prior.per_pixel:
        return GeneratorNetwork(spec.decoder(prior.width + prior.noise_width, shape), prior.noise_width)
    if prior.per_pixel or not isinstance(spec, ExtractorSpec):
        what = f"{type(spec).__name__} cannot be used as {role}{' of label maps' * prior.per_pixel}"
        raise LatentclustError.at("use", what, "Use another backbone")
    read = (WIDTH + prior.width,) if role == "discriminator" else shape
    return with_head(spec, spec.extractor(read), role, NetworkTable(use="own"), prior)


def role_of(subject: CheckedPart, name: str, roles: Container[str]) -> str:
    """Return the role of a network, from its name or from the systems of the distribution.

    Raises:
        NotApplicable: If neither contains the role.
    """
    if name in roles:
        return name
    for part in subject.registry.parts("system"):
        if part.provider.distribution == subject.part.provider.distribution:
            table = tomllib.loads(part.value.read_text(encoding="utf-8")).get("networks", {}).get(name, {})
            if table.get("role") in roles:
                return str(table["role"])
    raise NotApplicable(f"it reads a network {name!r}, whose role neither its name nor a system says")


def tensors_of(value: Any) -> list[Tensor]:
    """Return all tensors in a value: the value itself, or those of its fields, entries or items."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        return [tensor for entry in value.values() for tensor in tensors_of(entry)]
    if isinstance(value, (tuple, list)):
        return [tensor for item in value for tensor in tensors_of(item)]
    fields = getattr(type(value), "__dataclass_fields__", {})
    return [tensor for name in fields for tensor in tensors_of(getattr(value, name))]
