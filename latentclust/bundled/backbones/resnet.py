"""The residual networks of DCCS (Tables 7, 8 and 13, Fig. 7)."""

from abc import ABC
from itertools import pairwise
from math import prod
from typing import ClassVar, Literal, final

from jaxtyping import Float
from torch import Tensor, nn

from latentclust.api import DecoderSpec, Extractor, ExtractorSpec, Shape
from latentclust.bundled.backbones.layers import (
    Crop,
    NormName,
    OutputName,
    StagedExtractor,
    Widths,
    batch_norm,
    image_shape,
    output_layer,
)
from latentclust.bundled.backbones.strided import start_grid

Resample = Literal["none", "down", "up"]


@final
class ResBlock(nn.Module):
    """A residual block: twice batch norm, ReLU and 3x3 convolution, with a shortcut (Fig. 7)."""

    def __init__(
        self, fan_in: int, fan_out: int, resample: Resample, norm: NormName, preactivated: bool = True
    ) -> None:
        """Pool 2x2 after the second convolution, or upsample to twice the size before the first.

        Pooling rounds odd sides up. If the shape changes, the shortcut is a 1x1 convolution at the smaller of the two
        resolutions, which yields the same map at lower cost.
        """
        super().__init__()
        pool = [nn.AvgPool2d(2, ceil_mode=True)] if resample == "down" else []
        double = [nn.Upsample(scale_factor=2, mode="nearest")] if resample == "up" else []
        self.residual = nn.Sequential(
            *([batch_norm(norm, fan_in, 2), nn.ReLU()] if preactivated else []),
            *double,
            nn.Conv2d(fan_in, fan_out, 3, padding=1, bias=norm == "none"),
            batch_norm(norm, fan_out, 2),
            nn.ReLU(),
            nn.Conv2d(fan_out, fan_out, 3, padding=1),
            *pool,
        )
        changes = fan_in != fan_out or resample != "none"
        self.shortcut = nn.Sequential(*pool, *([nn.Conv2d(fan_in, fan_out, 1)] if changes else []), *double)

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d H W"]:
        """Return maps `(b, fan_out, H, W)` of maps `(b, fan_in, h, w)`."""
        output: Tensor = self.residual(maps) + self.shortcut(maps)
        return output


class ResNetSpec(ExtractorSpec, DecoderSpec, ABC):
    """A residual network with one downsampling block per width and a last block, for images of any size.

    The mid-network features are the flattened output of the second last block. A decoder mirrors the downsampling
    blocks from the image size divided by 2 for each block, rounded up, and crops.
    """

    part: ClassVar[str]

    widths: Widths
    """Widths of the downsampling blocks, that next to the image first."""

    norm: NormName = "batch"
    """Normalisation before each activation: `batch` for batch normalisation."""

    output: OutputName = "tanh"
    """Output function of a decoder. Images lie in [0, 1], so `tanh` is rescaled to that range."""

    preactivate_image: bool = False
    """Whether the first block applies batch norm and ReLU to the image, as in Fig. 7. The authors' code does not, since
    that removes the darker half of every channel."""

    def extractor(self, shape: Shape) -> Extractor:
        """Return the body for images `(c, h, w)`."""
        image_channels, *_ = image_shape(self.part, shape)
        first, *others = pairwise((image_channels, *self.widths))
        stem = nn.Sequential(
            ResBlock(*first, "down", self.norm, preactivated=self.preactivate_image),
            *(ResBlock(*fan, "down", self.norm) for fan in others),
        )
        last = self.widths[-1]
        rest = nn.Sequential(
            ResBlock(last, last, "none", self.norm),
            batch_norm(self.norm, last, 2),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        return StagedExtractor(stem, rest, prod(start_grid(self.widths, shape)), last)

    def decoder(self, width: int, shape: Shape) -> nn.Module:
        """Return a module from `(b, width)` to images `(b, c, h, w)`."""
        image_channels, *sides = image_shape(self.part, shape)
        grid = start_grid(self.widths, shape)
        inwards = (*self.widths, self.widths[-1])
        return nn.Sequential(
            nn.Linear(width, prod(grid)),
            nn.Unflatten(1, grid),
            *(ResBlock(*fan, "up", self.norm) for fan in pairwise(reversed(inwards))),
            batch_norm(self.norm, self.widths[0], 2),
            nn.ReLU(),
            nn.Conv2d(self.widths[0], image_channels, 3, padding=1),
            Crop(*sides),
            output_layer(self.output),
        )


@final
class ResNet32(ResNetSpec):
    """The residual network for CIFAR-10: encoder of Table 7, decoder of Table 13.

    Example:
        ```toml
        [networks.encoder]
        use = "resnet32"
        init = "xavier-normal"
        ```
    """

    part: ClassVar[str] = "resnet32"

    widths: Widths = (128, 256, 512)
    """Widths of the downsampling blocks, that next to the image first."""


@final
class ResNet96(ResNetSpec):
    """The residual network for STL-10 and ImageNet-10: encoder of Table 8.

    The decoder is not in the paper. It mirrors the encoder like that of Table 13.

    Example:
        ```toml
        [networks.encoder]
        use = "resnet96"
        init = "xavier-normal"
        ```
    """

    part: ClassVar[str] = "resnet96"

    widths: Widths = (64, 128, 256, 512)
    """Widths of the downsampling blocks, that next to the image first."""
