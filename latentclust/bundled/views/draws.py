"""How views draw their parameters: one independent number a sample, on the generator's device."""

import math
from typing import Annotated, TypeVar

import torch
from jaxtyping import Bool, Float
from pydantic import AfterValidator, Field, PositiveFloat
from torch import Tensor

BoundT = TypeVar("BoundT", bound=tuple[float, float])

Probability = Annotated[float, Field(ge=0, le=1)]
"""How likely each sample is to be transformed, apart from the others."""


def ascending(bounds: BoundT) -> BoundT:
    """Bounds as they are; raises ValueError, which the recipe reports, where the lower exceeds the upper."""
    low, high = bounds
    if low > high:
        raise ValueError(f"Write the lower bound first: [{high}, {low}]")
    return bounds


FactorRange = Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(ascending)]
"""Lowest and highest value of a factor."""


def uniform(count: int, low: float, high: float, rng: torch.Generator) -> Float[Tensor, " b"]:
    """`count` uniform draws between `low` and `high`."""
    return torch.empty(count, device=rng.device, dtype=torch.float32).uniform_(low, high, generator=rng)


def log_uniform(count: int, bounds: tuple[float, float], rng: torch.Generator) -> Float[Tensor, " b"]:
    """`count` factors whose logarithms are uniform, so that a factor is as likely as its inverse."""
    low, high = bounds
    return uniform(count, math.log(low), math.log(high), rng).exp()


def chosen(count: int, probability: float, rng: torch.Generator) -> Bool[Tensor, " b"]:
    """Which of `count` samples are transformed, each with `probability`."""
    return uniform(count, 0.0, 1.0, rng) < probability
