"""Small networks whose every output is known, for the inferences' tests."""

import pytest
import torch
from torch import Tensor, nn

from latentclust.api import Code, Latent


class SplitEncoder(nn.Module):
    """Reads the first `k` columns of a vector as logits and the others as style."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = k

    def forward(self, sample: Tensor) -> Code:
        return Code(logits=sample[:, : self.k], style=sample[:, self.k :], features=sample)

    def represent(self, sample: Tensor) -> Tensor:
        return sample


class LinearGenerator(nn.Module):
    """A weight of shape `(categories + style_dim, values)` applied to the latent vector."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, latent: Latent) -> Tensor:
        return latent.vector() @ self.weight


@pytest.fixture
def encoder() -> type[SplitEncoder]:
    return SplitEncoder


@pytest.fixture
def linear_generator() -> type[LinearGenerator]:
    return LinearGenerator


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)
