"""Schedules: values that change with training progress."""

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Ramp(BaseModel):
    """A value that changes from `start` to `end` during a part of the training.

    The value is `start` until the fraction `since` of the rounds, and `end` from the fraction `until`. With `warmup` it
    first rises from 0, as a learning rate does before a cosine (Goyal et al. 2017).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    start: float
    """Value up to `since`."""

    end: float
    """Value from `until` on."""

    since: float = Field(default=0.0, ge=0, lt=1)
    """Fraction of the rounds at which the value begins to change."""

    until: float = Field(default=1.0, gt=0, le=1)
    """Fraction of the rounds at which `end` is reached."""

    warmup: float = Field(default=0.0, ge=0, lt=1)
    """Fraction of the rounds in which the value rises linearly from 0 to `start`, before it begins to change."""

    shape: Literal["linear", "cosine", "geometric"] = "linear"
    """Shape of the change. `geometric` requires both ends of the same sign."""

    @model_validator(mode="after")
    def _ordered(self) -> "Ramp":
        if self.until <= self.since:
            raise ValueError(f"until = {self.until} must be greater than since = {self.since}")
        if self.until <= self.warmup:
            raise ValueError(f"until = {self.until} must be greater than warmup = {self.warmup}")
        if self.shape == "geometric" and self.start * self.end <= 0:
            raise ValueError("a geometric ramp requires a start and an end of the same sign, neither 0")
        return self


Schedule = float | Ramp
"""A constant, or a ramp."""


def value_at(schedule: Schedule, progress: float) -> float:
    """Return the value of a schedule at a fraction of the training in [0, 1]."""
    if not isinstance(schedule, Ramp):
        return schedule
    if progress < schedule.warmup:
        return schedule.start * progress / schedule.warmup
    since = max(schedule.since, schedule.warmup)
    share = min(max((progress - since) / (schedule.until - since), 0.0), 1.0)
    if schedule.shape == "geometric":
        return float(schedule.start * (schedule.end / schedule.start) ** share)
    if schedule.shape == "cosine":
        share = (1 - math.cos(math.pi * share)) / 2
    return schedule.start + (schedule.end - schedule.start) * share
