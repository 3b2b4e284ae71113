"""Values that move during training."""

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Ramp(BaseModel):
    """A value that moves from `start` to `end` over a part of the training.

    `until` is the fraction of the rounds at which `end` is reached; before `since` it stays at `start`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    start: float
    end: float
    since: float = Field(default=0.0, ge=0, lt=1)
    until: float = Field(default=1.0, gt=0, le=1)
    shape: Literal["linear", "cosine", "geometric"] = "linear"

    @model_validator(mode="after")
    def _ordered(self) -> "Ramp":
        if self.until <= self.since:
            raise ValueError(f"until = {self.until} is not after since = {self.since}")
        if self.shape == "geometric" and self.start * self.end <= 0:
            raise ValueError("a geometric ramp needs start and end of one sign, neither 0")
        return self


Schedule = float | Ramp
"""A number, or a ramp between two."""


def value_at(schedule: Schedule, progress: float) -> float:
    """The value at a fraction of the training in [0, 1]."""
    if not isinstance(schedule, Ramp):
        return schedule
    share = min(max((progress - schedule.since) / (schedule.until - schedule.since), 0.0), 1.0)
    if schedule.shape == "geometric":
        return float(schedule.start * (schedule.end / schedule.start) ** share)
    if schedule.shape == "cosine":
        share = (1 - math.cos(math.pi * share)) / 2
    return schedule.start + (schedule.end - schedule.start) * share
