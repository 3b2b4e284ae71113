"""Quantities with options."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from latentclust.specs.parts import Spec


class QuantitySpec(Spec):
    """A named value of a training step with options, which `[quantities.NAME]` of a recipe sets.

    A subclass defines `__call__`. The names of its parameters are the values that the quantity reads, as for a plain
    function, and `on` in its recipe table may bind them to others. It runs under autocast.
    """

    if TYPE_CHECKING:
        __call__: ClassVar[Callable[..., Any]]
