"""The functions of the caller that a training calls."""

from collections.abc import Callable
from dataclasses import dataclass, field

from latentclust.train.events import Listener, NullListener

Curve = Callable[[], dict[str, float]]
"""Returns metrics of the current weights against the labels."""


@dataclass(slots=True)
class Callbacks:
    """The functions of the caller that a training calls.

    Attributes:
        listener: Receives progress events.
        should_stop: Returns True once the user asks to stop. Called after each round.
        curve: Returns metrics of the current weights against the labels. None for no learning curve.
    """

    listener: Listener = field(default_factory=NullListener)
    should_stop: Callable[[], bool] = lambda: False
    curve: Curve | None = None
