"""Networks small enough to run every part on, in each role, of vectors, images and label maps."""

import tomllib
from collections.abc import Container, Mapping
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

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
from latentclust.specs.backbones import Extractor, LayeredDecoder, MapExtractor
from latentclust.specs.parts import MapPriorSpec, PriorSpec
from latentclust.tensors import Shape
from latentclust.testing.subject import CheckedPart, NotApplicable

WIDTH = 8
"""Of every representation."""

HEADS = 2


class DenseBody(Extractor):
    """One dense layer with batch normalisation, for samples of any shape; the mid-network features are its output."""

    def __init__(self, shape: Shape) -> None:
        """A body for samples of `shape`."""
        super().__init__()
        self.layer, self.norm = nn.Linear(prod(shape), WIDTH), nn.BatchNorm1d(WIDTH)
        self.width = self.feature_width = WIDTH

    def forward(self, sample: Tensor) -> tuple[Tensor, Tensor]:
        """`(b, *shape)` to `(b, width)`, twice."""
        representation = self.norm(self.layer(sample.flatten(1))).tanh()
        return representation, representation


class PixelBody(MapExtractor):
    """One convolution with batch normalisation, which keeps the size."""

    def __init__(self, shape: Shape) -> None:
        """A body for images, or maps, of `shape`."""
        super().__init__()
        self.layer, self.norm = nn.Conv2d(shape[0], WIDTH, 3, padding=1), nn.BatchNorm2d(WIDTH)
        self.width, self.stride = WIDTH, 1

    def forward(self, sample: Tensor) -> Tensor:
        """`(b, c, h, w)` to `(b, width, h, w)`."""
        return self.norm(self.layer(sample)).tanh()  # type: ignore[no-any-return]


class ChannelMap(nn.Module):
    """One linear layer over channels, of vectors or of maps."""

    def __init__(self, width: int, clusters: int) -> None:
        """From `width` channels to `clusters`."""
        super().__init__()
        self.layer = nn.Linear(width, clusters)

    def forward(self, features: Tensor) -> Tensor:
        """`(b, width, *s)` to `(b, clusters, *s)`."""
        return self.layer(features.movedim(1, -1)).movedim(-1, 1)  # type: ignore[no-any-return]


class PlainLayers(LayeredDecoder):
    """One 1x1 convolution, enlarged to the images' size."""

    def __init__(self, clusters: int, style_dim: int, stride: int, channels: int) -> None:
        """Layers of so many clusters and channels."""
        super().__init__()
        self.layer = nn.Conv2d(style_dim, clusters * channels, 1)
        self.clusters, self.stride = clusters, stride

    def forward(self, style: Tensor) -> Tensor:
        """`(b, d, h', w')` to `(b, k, c, h, w)`."""
        layers = interpolate(self.layer(style).sigmoid(), scale_factor=float(self.stride))
        return layers.view(len(layers), self.clusters, -1, *layers.shape[2:])


def small_network(role: str, prior: PriorSpec, shape: Shape, seed: int = 0) -> nn.Module:
    """A network in a role for samples of `shape`; the seed alone decides its weights."""
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(seed)
        if role == "centroids":
            return CentroidsNetwork(ChannelMap(WIDTH, prior.clusters))
        return _of_maps(role, prior, shape) if isinstance(prior, MapPriorSpec) else _of_samples(role, prior, shape)


def _of_samples(role: str, prior: PriorSpec, shape: Shape) -> nn.Module:
    match role:
        case "encoder":
            return EncoderNetwork(DenseBody(shape), prior.clusters, prior.style_dim, log_variance=True)
        case "generator":
            return GeneratorNetwork(
                nn.Sequential(nn.Linear(prior.width, prod(shape)), nn.Sigmoid(), nn.Unflatten(1, shape))
            )
        case "critic":
            return CriticNetwork(DenseBody(shape))
        case "discriminator":
            return DiscriminatorNetwork(DenseBody((WIDTH + prior.clusters + prior.style_dim,)))
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


def role_of(subject: CheckedPart, name: str, roles: Container[str]) -> str:
    """The role of a network: its own name, or what the distribution's own systems say of it.

    Raises:
        Inapplicable: Neither says it.
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
    """The tensors in a value: itself, or those of its fields, entries or items."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        return [tensor for entry in value.values() for tensor in tensors_of(entry)]
    if isinstance(value, (tuple, list)):
        return [tensor for item in value for tensor in tensors_of(item)]
    fields = getattr(type(value), "__dataclass_fields__", {})
    return [tensor for name in fields for tensor in tensors_of(getattr(value, name))]
