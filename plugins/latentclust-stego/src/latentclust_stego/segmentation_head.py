"""The segmentation head of STEGO (Hamilton et al., ICLR 2022, section 3.3)."""

from typing import Annotated, final

from jaxtyping import Float
from latentclust.api import LatentclustError, MapExtractor, MapExtractorSpec, Shape
from pydantic import Field, PositiveInt
from torch import Tensor, nn

Share = Annotated[float, Field(ge=0, lt=1)]


@final
class SegmentationHead(MapExtractorSpec):
    """A linear map of the features of a trunk plus a two-layer ReLU network, per position (Hamilton et al. 2022)."""

    dim: PositiveInt = 70
    """Number of channels of the code. The experiments of the paper use 70."""

    dropout: Share = 0.1
    """Dropout probability of feature channels, for each of the two parts."""

    def map_extractor(self, shape: Shape) -> MapExtractor:
        """Create the head for maps `(c, h, w)`. Raise LatentclustError for any other shape."""
        if len(shape) != 3:
            what = f"samples have shape {shape}, but it reads images or maps (c, h, w)"
            raise LatentclustError.at("segmentation-head", what, "Use it with a prior of label maps")
        return TwoBranches(shape[0], self.dim, self.dropout)


@final
class TwoBranches(MapExtractor):
    """The sum of a linear and a nonlinear projection, each with its own dropout."""

    def __init__(self, channels: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.width, self.stride = dim, 1
        self.linear = nn.Sequential(nn.Dropout2d(dropout), nn.Conv2d(channels, dim, 1))
        self.nonlinear = nn.Sequential(
            nn.Dropout2d(dropout), nn.Conv2d(channels, channels, 1), nn.ReLU(), nn.Conv2d(channels, dim, 1)
        )

    def forward(self, sample: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """Return the codes."""
        code: Tensor = self.linear(sample) + self.nonlinear(sample)
        return code
