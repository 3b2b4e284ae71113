"""Random draws for the parameters of views: one independent number per sample, on the generator's device."""

import math
from typing import Annotated, TypeVar

import torch
from jaxtyping import Bool, Float
from pydantic import AfterValidator, Field, PositiveFloat
from torch import Tensor

BoundT = TypeVar("BoundT", bound=tuple[float, float])

Probability = Annotated[float, Field(ge=0, le=1)]
"""Probability that a sample is transformed, independent for each sample."""


def ascending(bounds: BoundT) -> BoundT:
    """Return the bounds unchanged. Raise ValueError, which the recipe reports, if the lower exceeds the upper."""
    low, high = bounds
    if low > high:
        raise ValueError(f"Write the lower bound first: [{high}, {low}]")
    return bounds


FactorRange = Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(ascending)]
"""Lowest and highest value of a positive factor."""


def uniform(count: int, low: float, high: float, rng: torch.Generator) -> Float[Tensor, " b"]:
    """Draw `count` numbers uniformly between `low` and `high`."""
    return torch.empty(count, device=rng.device, dtype=torch.float32).uniform_(low, high, generator=rng)


def log_uniform(count: int, bounds: tuple[float, float], rng: torch.Generator) -> Float[Tensor, " b"]:
    """Draw `count` factors with uniform logarithms, so that a factor is as likely as its inverse."""
    low, high = bounds
    return uniform(count, math.log(low), math.log(high), rng).exp()


def bernoulli(count: int, probability: float, rng: torch.Generator) -> Bool[Tensor, " b"]:
    """Draw `count` booleans, each true with `probability`."""
    return uniform(count, 0.0, 1.0, rng) < probability
