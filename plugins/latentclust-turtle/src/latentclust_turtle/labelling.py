"""The labelling of TURTLE: a linear layer on features whose weights are normed (Gadetsky et al. 2024, Eq. 9)."""

from math import prod
from typing import final

from latentclust.api import EncoderHeadSpec, Extractor, Shape
from torch import Tensor, nn
from torch.nn import functional


@final
class WeightNormed(EncoderHeadSpec):
    """One linear layer for an encoder, whose weights are a direction and a length for each output.

    Directions and lengths are trained apart (Salimans and Kingma 2016). The authors' code has it so.
    """

    def extractor(self, shape: Shape) -> Extractor:
        """Create the identity for samples of any shape, which are flattened."""
        return Flat(prod(shape))

    def head(self, width: int, clusters: int, style_dim: int) -> nn.Module:
        """Create the layer."""
        return WeightNormedLinear(width, clusters + style_dim)


@final
class Flat(Extractor):
    """The flattened sample, as representation and as features."""

    def __init__(self, width: int) -> None:
        """Create the identity on `width` values."""
        super().__init__()
        self.feature_width = self.width = width

    def forward(self, sample: Tensor) -> tuple[Tensor, Tensor]:
        """Map `(b, *shape)` to `(b, width)`, twice."""
        flat = sample.flatten(1)
        return flat, flat


@final
class WeightNormedLinear(nn.Module):
    """A linear layer with the weights `length * direction / |direction|`, which begins as torch's."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Create the weights of torch's linear layer."""
        super().__init__()
        layer = nn.Linear(inputs, outputs)
        self.direction, self.bias = layer.weight, layer.bias
        self.length = nn.Parameter(layer.weight.detach().norm(dim=1, keepdim=True))

    def forward(self, sample: Tensor) -> Tensor:
        """Map `(b, inputs)` to `(b, outputs)`."""
        return functional.linear(sample, self.length * functional.normalize(self.direction, dim=1), self.bias)
