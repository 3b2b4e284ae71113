"""The signatures by which losses and quantities are bound."""

import inspect
import typing
from collections.abc import Callable
from typing import Any

from latentclust.assemble.step_plan import parameter_types
from latentclust.testing.subject import CheckFailed


def known_signature(function: Callable[..., Any]) -> tuple[dict[str, Any], Any]:
    """Parameter types by name, and the result's; what is not annotated is Any."""
    return parameter_types(function)


def whole_signature(function: Callable[..., Any], skip_self: bool = False) -> tuple[dict[str, Any], Any]:
    """Parameter types by name, and the result's; raises Unfit where any is not annotated."""
    hints = typing.get_type_hints(function)
    names = [*list(inspect.signature(function).parameters)[1 if skip_self else 0 :], "return"]
    bare = [name for name in names if hints.get(name, Any) is Any]
    if bare:
        raise CheckFailed(f"it does not say the type of {', '.join(bare)}")
    return {name: hints[name] for name in names[:-1]}, hints["return"]
