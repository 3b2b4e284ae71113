"""Values that move during training."""

import math

from latentclust.recipe.schema import Ramp, Schedule


def value(schedule: Schedule, progress: float) -> float:
    """The value at a fraction of the training in [0, 1]."""
    if not isinstance(schedule, Ramp):
        return schedule
    share = min(max((progress - schedule.since) / (schedule.until - schedule.since), 0.0), 1.0)
    if schedule.shape == "geometric":
        return float(schedule.start * (schedule.end / schedule.start) ** share)
    if schedule.shape == "cosine":
        share = (1 - math.cos(math.pi * share)) / 2
    return schedule.start + (schedule.end - schedule.start) * share
