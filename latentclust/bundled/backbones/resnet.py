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
    """BN, ReLU, 3x3 convolution, twice, beside a shortcut (Fig. 7)."""

    def __init__(
        self, fan_in: int, fan_out: int, resample: Resample, norm: NormName, preactivated: bool = True
    ) -> None:
        """Pools 2x2 after the second convolution, or doubles by nearest neighbour before the first.

        A side of odd length pools to half of it, rounded up. Where the shape changes the shortcut is a 1x1 convolution;
        it is taken at the smaller of the two resolutions, which yields the same map for less.
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
        """`(b, fan_in, h, w)` to `(b, fan_out, H, W)`."""
        output: Tensor = self.residual(maps) + self.shortcut(maps)
        return output


class ResNetSpec(ExtractorSpec, DecoderSpec, ABC):
    """One halving ResBlock for each width, then one that keeps the last; for images of any size and channel count.

    The mid-network features are the flattened output of the second last ResBlock. A decoder mirrors the halving blocks
    from the image's size divided by 2 to their number, rounded up, and crops.
    """

    part: ClassVar[str]

    widths: Widths
    """Of the halving blocks, the image's own side first."""

    norm: NormName = "batch"
    """What comes before each activation: `batch` for batch normalisation."""

    output: OutputName = "tanh"
    """Of a decoder. Images lie in [0, 1], so `tanh` is rescaled to that range."""

    preactivate_image: bool = False
    """Whether the first block normalises and rectifies the image itself, as Fig. 7 has it; the authors' code does not,
    since that drops the darker half of every channel."""

    def extractor(self, shape: Shape) -> Extractor:
        """The body for images `(c, h, w)`."""
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
        """A module from `(b, width)` to images `(b, c, h, w)`."""
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
    """The CIFAR-10 network: encoder of Table 7, decoder of Table 13."""

    part: ClassVar[str] = "resnet32"

    widths: Widths = (128, 256, 512)


@final
class ResNet96(ResNetSpec):
    """The STL-10 and ImageNet-10 encoder of Table 8; its decoder, not in the paper, mirrors it as Table 13 does."""

    part: ClassVar[str] = "resnet96"

    widths: Widths = (64, 128, 256, 512)
