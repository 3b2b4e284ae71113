"""The options of a part, read off its pydantic fields, in a user's words."""

import json
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import annotated_types
from pydantic.fields import FieldInfo

from latentclust.specs import Spec

_BOUNDS = {annotated_types.Gt: (">", "gt"), annotated_types.Ge: (">=", "ge")} | {
    annotated_types.Lt: ("<", "lt"),
    annotated_types.Le: ("<=", "le"),
}


@dataclass(frozen=True, slots=True)
class PartOption:
    """One key of a part's table.

    Attributes:
        name: The key.
        type: What it takes, such as `int > 0`.
        required: Whether it must be given.
        default: Its value otherwise; None where it is then left open.
    """

    name: str
    type: str
    required: bool
    default: Any = None

    def __str__(self) -> str:
        """`name: type = default`, the default as TOML has it."""
        if self.required or self.default is None:
            return f"{self.name}: {self.type} ({'required' if self.required else 'optional'})"
        return f"{self.name}: {self.type} = {json.dumps(self.default, default=str)}"


def part_options(part: object) -> list[PartOption]:
    """The options of a spec class, in its order; none of a quantity or a system."""
    if not (isinstance(part, type) and issubclass(part, Spec)):
        return []
    return [_option(name, field) for name, field in part.model_fields.items()]


def _option(name: str, field: FieldInfo) -> PartOption:
    words = in_words(field.annotation) + _bounds(field.metadata)
    if field.is_required():
        return PartOption(name, words, required=True)
    return PartOption(name, words, required=False, default=field.get_default(call_default_factory=True))


def in_words(annotation: Any) -> str:
    """A type as a recipe's writer thinks of it: choices as they are written, bounds as signs."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return in_words(arguments[0]) + _bounds(arguments[1:])
    if origin is Literal:
        return " | ".join(f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in arguments)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(in_words(member) for member in arguments if member is not type(None))
    if origin is tuple:
        members = ", ".join("..." if member is Ellipsis else in_words(member) for member in arguments)
        return f"[{members}]"
    name = getattr(annotation, "__name__", str(annotation))
    return f"{name} of {', '.join(map(in_words, arguments))}" if arguments else name


def _bounds(metadata: Iterable[Any]) -> str:
    found = [(item, *_BOUNDS[type(item)]) for item in metadata if type(item) in _BOUNDS]
    return "".join(f" {sign} {getattr(item, name):g}" for item, sign, name in found)
