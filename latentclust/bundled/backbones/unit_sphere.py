"""Standardised vectors of equal length, for linear heads that compare them by cosine: TEMI (Adaloglou et al. 2023)."""

from math import prod
from typing import final

from jaxtyping import Float
from pydantic import PositiveFloat
from torch import Tensor, nn
from torch.nn import functional

from latentclust.api import Extractor, ExtractorSpec, Shape


@final
class UnitSphere(ExtractorSpec):
    """Samples as vectors, standardised value by value and divided by their norm and a temperature. It has no weights.

    A linear head on it compares directions, whatever the scale of the features; the mean that all of them share does
    not count. Mean and variance are running statistics of the training.

    Example:
        ```toml
        [networks.heads]
        use = "unit-sphere"
        temperature = 0.1
        ```
    """

    temperature: PositiveFloat = 0.1
    """Reciprocal of the length of the vectors. The lower it is, the surer are the clusters of the first rounds."""

    def extractor(self, shape: Shape) -> Extractor:
        """Return the body for samples of any shape, which are flattened."""
        return UnitSphereExtractor(prod(shape), self.temperature)


@final
class UnitSphereExtractor(Extractor):
    """An extractor whose representation and mid-network features are both the scaled vector."""

    def __init__(self, width: int, temperature: float) -> None:
        """Standardise `width` values."""
        super().__init__()
        self.feature_width = self.width = width
        self.standardise = nn.BatchNorm1d(width, affine=False)
        self.temperature = temperature

    def forward(self, sample: Float[Tensor, "b *s"]) -> tuple[Float[Tensor, "b width"], Float[Tensor, "b width"]]:
        """Return the vector of length 1 / temperature, `(b, width)`, twice."""
        vector = functional.normalize(self.standardise(sample.flatten(1)), dim=1) / self.temperature
        return vector, vector
