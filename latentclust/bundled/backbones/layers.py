"""Layers, options and checks that several backbones share."""

from abc import ABC
from typing import Annotated, Literal, final

import torch
from jaxtyping import Float
from pydantic import Field, NonNegativeFloat, PositiveInt
from torch import Tensor, nn

from latentclust.api import DecoderSpec, Extractor, ExtractorSpec, LatentclustError, Shape

ActivationName = Literal["leaky-relu", "relu"]
NormName = Literal["none", "batch"]
OutputName = Literal["sigmoid", "tanh", "linear"]
Widths = Annotated[tuple[PositiveInt, ...], Field(min_length=1)]

KERNEL = 4
"""Side of the strided convolutions of DCGAN, ClusterGAN and DCCS; their stride is 2."""


def image_shape(part: str, shape: Shape, least: int = 1) -> tuple[int, int, int]:
    """Channels, height and width of a sample.

    Raises:
        LatentclustError: The samples are no images, or a side has fewer than `least` pixels.
    """
    if len(shape) != 3:
        raise LatentclustError.at(part, f"samples have shape {shape}, but it reads images (c, h, w)", "Use mlp")
    channels, height, width = shape
    if min(height, width) < least:
        what = f"images of {height}x{width} pixels are too small"
        raise LatentclustError.at(part, what, f"Use images of at least {least}x{least} pixels, or another backbone")
    return channels, height, width


def batch_norm(norm: NormName, width: int, axes: Literal[1, 2]) -> nn.Module:
    """Normalises `(b, width)` for one axis, `(b, width, h, w)` for two; the identity for `none`."""
    if norm == "none":
        return nn.Identity()
    return nn.BatchNorm1d(width) if axes == 1 else nn.BatchNorm2d(width)


class LayeredSpec(ExtractorSpec, DecoderSpec, ABC):
    """The options of the plain feed-forward networks, and the layers that follow from them.

    A layer is linear or convolutional, then normalised, then activated; it has no bias where batch norm adds its own.
    """

    norm: NormName = "none"
    """What follows each layer: `batch` for batch normalisation."""

    activation: ActivationName = "leaky-relu"
    """What follows each normalised layer."""

    slope: NonNegativeFloat = 0.2
    """Of leaky-relu below zero; 0.2 in ClusterGAN, DLS and DCCS."""

    output: OutputName = "sigmoid"
    """Of a decoder. Images lie in [0, 1], so `tanh` is rescaled to that range."""

    def linear(self, fan_in: int, fan_out: int) -> nn.Sequential:
        """`(b, fan_in)` to `(b, fan_out)`."""
        return self._layer(nn.Linear(fan_in, fan_out, bias=self.norm == "none"), batch_norm(self.norm, fan_out, 1))

    def conv(self, fan_in: int, fan_out: int, padding: int, normalised: bool = True) -> nn.Sequential:
        """`(b, fan_in, h, w)` to `(b, fan_out, h/2, w/2)` where `padding` is 1."""
        norm = self.norm if normalised else "none"
        conv = nn.Conv2d(fan_in, fan_out, KERNEL, stride=2, padding=padding, bias=norm == "none")
        return self._layer(conv, batch_norm(norm, fan_out, 2))

    def upconv(self, fan_in: int, fan_out: int) -> nn.Sequential:
        """`(b, fan_in, h, w)` to `(b, fan_out, 2h, 2w)`."""
        upconv = nn.ConvTranspose2d(fan_in, fan_out, KERNEL, stride=2, padding=1, bias=self.norm == "none")
        return self._layer(upconv, batch_norm(self.norm, fan_out, 2))

    def _layer(self, weights: nn.Module, norm: nn.Module) -> nn.Sequential:
        return nn.Sequential(weights, norm, nn.ReLU() if self.activation == "relu" else nn.LeakyReLU(self.slope))


@final
class StagedExtractor(Extractor):
    """Two stages, with the mid-network features between them."""

    def __init__(self, stem: nn.Module, rest: nn.Module, feature_width: int, width: int) -> None:
        """`stem` reads samples; `rest` reads what it returns, `(b, *)`, and returns `(b, width)`."""
        super().__init__()
        self.stem = stem
        self.rest = rest
        self.feature_width = feature_width
        self.width = width

    def forward(self, sample: Float[Tensor, "b *s"]) -> tuple[Float[Tensor, "b width"], Float[Tensor, "b features"]]:
        """Representation `(b, width)` and the stem's flattened output `(b, feature_width)`."""
        features = self.stem(sample)
        return self.rest(features), features.flatten(1)


@final
class Crop(nn.Module):
    """Keeps the top left pixels of a map that was grown to a multiple of the stride."""

    def __init__(self, height: int, width: int) -> None:
        """To `height` x `width` pixels."""
        super().__init__()
        self.height = height
        self.width = width

    def forward(self, maps: Float[Tensor, "b c H W"]) -> Float[Tensor, "b c h w"]:
        """`(b, c, H, W)` to `(b, c, height, width)`."""
        return maps[..., : self.height, : self.width]


@final
class UnitTanh(nn.Module):
    """The hyperbolic tangent, rescaled from [-1, 1] to [0, 1]."""

    def forward(self, values: Float[Tensor, "b *s"]) -> Float[Tensor, "b *s"]:
        """Any shape, unchanged."""
        return (1 + torch.tanh(values)) / 2


def output_layer(output: OutputName) -> nn.Module:
    """What a decoder ends with."""
    layers: dict[OutputName, nn.Module] = {"sigmoid": nn.Sigmoid(), "tanh": UnitTanh(), "linear": nn.Identity()}
    return layers[output]
