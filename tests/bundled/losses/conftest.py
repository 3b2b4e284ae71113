"""Random scores, codes and latents for the losses' tests."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from latentclust.api import Code


@pytest.fixture
def normal() -> Callable[..., Tensor]:
    """Standard normal tensors, the same in every run; each call draws anew."""
    rng = torch.Generator().manual_seed(0)
    return lambda *shape: torch.randn(*shape, generator=rng)


@pytest.fixture
def code() -> Callable[..., Code]:
    """A code of the parts that a test names; the others have no columns."""

    def make(logits: Tensor | None = None, style: Tensor | None = None) -> Code:
        given = logits if logits is not None else style
        assert given is not None
        empty = torch.zeros(len(given), 0)
        return Code(logits=empty if logits is None else logits, style=empty if style is None else style, features=empty)

    return make
