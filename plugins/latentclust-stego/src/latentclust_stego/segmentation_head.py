"""The segmentation head of STEGO: Hamilton et al., ICLR 2022, section 3.3."""

from typing import Annotated, final

from jaxtyping import Float
from latentclust.api import LatentclustError, MapExtractor, MapExtractorSpec, Shape
from pydantic import Field, PositiveInt
from torch import Tensor, nn

Share = Annotated[float, Field(ge=0, lt=1)]


@final
class SegmentationHead(MapExtractorSpec):
    """A linear map of a trunk's features plus a two-layer ReLU network, place by place (Hamilton et al. 2022)."""

    dim: PositiveInt = 70
    """Channels of the code; 70 in the paper's experiments."""

    dropout: Share = 0.1
    """The share of feature channels that either part does not see in a training step."""

    def map_extractor(self, shape: Shape) -> MapExtractor:
        """The head for maps `(c, h, w)`; raises LatentclustError for what is none."""
        if len(shape) != 3:
            what = f"samples have shape {shape}, but it reads images or maps (c, h, w)"
            raise LatentclustError.at("segmentation-head", what, "Use it with a prior of label maps")
        return TwoBranches(shape[0], self.dim, self.dropout)


@final
class TwoBranches(MapExtractor):
    """The sum of a linear and of a nonlinear projection, each with its own dropout."""

    def __init__(self, channels: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.width, self.stride = dim, 1
        self.linear = nn.Sequential(nn.Dropout2d(dropout), nn.Conv2d(channels, dim, 1))
        self.nonlinear = nn.Sequential(
            nn.Dropout2d(dropout), nn.Conv2d(channels, channels, 1), nn.ReLU(), nn.Conv2d(channels, dim, 1)
        )

    def forward(self, sample: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """The codes."""
        code: Tensor = self.linear(sample) + self.nonlinear(sample)
        return code
