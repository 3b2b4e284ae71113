"""Layers, options and checks of several backbones."""

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
"""Kernel size of the strided convolutions of DCGAN, ClusterGAN and DCCS. Their stride is 2."""


def image_shape(part: str, shape: Shape, least: int = 1) -> tuple[int, int, int]:
    """Return channels, height and width of a sample.

    Raises:
        LatentclustError: If the samples are not images or a side has fewer than `least` pixels.
    """
    if len(shape) != 3:
        raise LatentclustError.at(part, f"expected images (c, h, w), got samples of shape {shape}", "Use mlp")
    channels, height, width = shape
    if min(height, width) < least:
        what = f"images of {height}x{width} pixels are too small"
        raise LatentclustError.at(part, what, f"Use images of at least {least}x{least} pixels, or another backbone")
    return channels, height, width


def batch_norm(norm: NormName, width: int, axes: Literal[1, 2]) -> nn.Module:
    """Return the normalisation of `(b, width)` for one axis or `(b, width, h, w)` for two. `none` is the identity."""
    if norm == "none":
        return nn.Identity()
    return nn.BatchNorm1d(width) if axes == 1 else nn.BatchNorm2d(width)


class LayeredSpec(ExtractorSpec, DecoderSpec, ABC):
    """The options and layers of plain feed-forward networks.

    A layer is linear or convolutional, followed by normalisation and activation. With batch normalisation it has no
    bias.
    """

    norm: NormName = "none"
    """Normalisation after each layer: `batch` for batch normalisation."""

    activation: ActivationName = "leaky-relu"
    """Activation after each normalisation."""

    slope: NonNegativeFloat = 0.2
    """Slope of leaky-relu below zero; 0.2 in ClusterGAN, DLS and DCCS."""

    output: OutputName = "sigmoid"
    """Output function of a decoder. Images lie in [0, 1], so `tanh` is rescaled to that range."""

    def linear(self, fan_in: int, fan_out: int) -> nn.Sequential:
        """Return a layer from `(b, fan_in)` to `(b, fan_out)`."""
        return self._layer(nn.Linear(fan_in, fan_out, bias=self.norm == "none"), batch_norm(self.norm, fan_out, 1))

    def conv(self, fan_in: int, fan_out: int, padding: int, normalised: bool = True) -> nn.Sequential:
        """Return a layer from `(b, fan_in, h, w)` to `(b, fan_out, h/2, w/2)` for a padding of 1."""
        norm = self.norm if normalised else "none"
        conv = nn.Conv2d(fan_in, fan_out, KERNEL, stride=2, padding=padding, bias=norm == "none")
        return self._layer(conv, batch_norm(norm, fan_out, 2))

    def upconv(self, fan_in: int, fan_out: int) -> nn.Sequential:
        """Return a layer from `(b, fan_in, h, w)` to `(b, fan_out, 2h, 2w)`."""
        upconv = nn.ConvTranspose2d(fan_in, fan_out, KERNEL, stride=2, padding=1, bias=self.norm == "none")
        return self._layer(upconv, batch_norm(self.norm, fan_out, 2))

    def _layer(self, weights: nn.Module, norm: nn.Module) -> nn.Sequential:
        return nn.Sequential(weights, norm, nn.ReLU() if self.activation == "relu" else nn.LeakyReLU(self.slope))


@final
class StagedExtractor(Extractor):
    """An extractor of two stages with the mid-network features between them."""

    def __init__(self, stem: nn.Module, rest: nn.Module, feature_width: int, width: int) -> None:
        """Combine `stem`, from samples to features `(b, *)`, and `rest`, from features to `(b, width)`."""
        super().__init__()
        self.stem = stem
        self.rest = rest
        self.feature_width = feature_width
        self.width = width

    def forward(self, sample: Float[Tensor, "b *s"]) -> tuple[Float[Tensor, "b width"], Float[Tensor, "b features"]]:
        """Return the representation `(b, width)` and the flattened output of the stem `(b, feature_width)`."""
        features = self.stem(sample)
        return self.rest(features), features.flatten(1)


@final
class Crop(nn.Module):
    """A layer that keeps the top left pixels of a map whose size is a multiple of the stride."""

    def __init__(self, height: int, width: int) -> None:
        """Crop to `height` x `width` pixels."""
        super().__init__()
        self.height = height
        self.width = width

    def forward(self, maps: Float[Tensor, "b c H W"]) -> Float[Tensor, "b c h w"]:
        """Return maps `(b, c, H, W)` cropped to `(b, c, height, width)`."""
        return maps[..., : self.height, : self.width]


@final
class UnitTanh(nn.Module):
    """A hyperbolic tangent, rescaled from [-1, 1] to [0, 1]."""

    def forward(self, values: Float[Tensor, "b *s"]) -> Float[Tensor, "b *s"]:
        """Return values of the same shape."""
        return (1 + torch.tanh(values)) / 2


def output_layer(output: OutputName) -> nn.Module:
    """Return the last layer of a decoder."""
    layers: dict[OutputName, nn.Module] = {"sigmoid": nn.Sigmoid(), "tanh": UnitTanh(), "linear": nn.Identity()}
    return layers[output]
