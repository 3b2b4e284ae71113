"""Options of a part, read from its pydantic fields and formatted for users."""

import ast
import inspect
import json
import textwrap
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Literal

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from latentclust.specs.parts import Spec

_BOUNDS = {annotated_types.Gt: (">", "gt"), annotated_types.Ge: (">=", "ge")} | {
    annotated_types.Lt: ("<", "lt"),
    annotated_types.Le: ("<=", "le"),
}


@dataclass(frozen=True, slots=True)
class PartOption:
    """One key of a part's table.

    Attributes:
        name: Name of the key.
        type: Type and bounds of the value, such as `int > 0`.
        required: Whether the key must be set.
        default: Default value. None if there is none.
        description: Docstring of the field. Empty if its author wrote none.
    """

    name: str
    type: str
    required: bool
    default: Any = None
    description: str = ""

    def __str__(self) -> str:
        """Return `name: type = default`, with the default in TOML syntax."""
        if self.required or self.default is None:
            return f"{self.name}: {self.type} ({'required' if self.required else 'optional'})"
        return f"{self.name}: {self.type} = {_as_toml(self.default)}"


def _as_toml(value: Any) -> str:
    """Return a value in TOML syntax, or the name of its type if TOML cannot represent it."""
    try:
        return json.dumps(value, default=str)
    except Exception:  # `__str__` of a plugin's value may fail
        return f"a {type(value).__name__}"


def part_options(part: object) -> list[PartOption]:
    """Return the options of a spec class in order. A quantity or a system has none."""
    if not (isinstance(part, type) and issubclass(part, Spec)):
        return []
    specs = [one for one in reversed(part.__mro__) if issubclass(one, Spec)]
    described = {name: text for one in specs for name, text in attribute_docstrings(one).items()}
    return [_option(name, field, described.get(name, "")) for name, field in part.model_fields.items()]


def _option(name: str, field: FieldInfo, described: str) -> PartOption:
    required = field.is_required()
    return PartOption(
        name,
        _type(field),
        required,
        default=None if required else _default(field),
        description=field.description or described,
    )


def _type(field: FieldInfo) -> str:
    """Return type and bounds of a field, or `a value` if the type of a plugin cannot be formatted."""
    try:
        return format_annotation(field.annotation) + _bounds(field.metadata)
    except Exception:
        return "a value"


def _default(field: FieldInfo) -> Any:
    """Return the default of a field, or None if its factory needs other fields or fails."""
    try:
        return field.get_default(call_default_factory=True)
    except Exception:
        return None


@cache
def attribute_docstrings(spec: type[BaseModel]) -> dict[str, str]:
    """Return the docstrings of a class's own attributes, each as one line. Without source there are none.

    pydantic can keep them (use_attribute_docstrings), but then every command would have to read all sources.
    """
    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(spec))).body[0]
    except (OSError, TypeError, SyntaxError):
        return {}
    found = {}
    for field, below in pairwise(body.body if isinstance(body, ast.ClassDef) else []):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
    return found


def format_annotation(annotation: Any) -> str:
    """Return a type as the author of a recipe reads it: choices as they are written, bounds as signs."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return format_annotation(arguments[0]) + _bounds(arguments[1:])
    if origin is Literal:
        return " | ".join(f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in arguments)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(format_annotation(member) for member in arguments if member is not type(None))
    if origin is tuple:
        members = ", ".join("..." if member is Ellipsis else format_annotation(member) for member in arguments)
        return f"[{members}]"
    name = getattr(annotation, "__name__", str(annotation))
    return f"{name} of {', '.join(map(format_annotation, arguments))}" if arguments else name


def _bounds(metadata: Iterable[Any]) -> str:
    found = [(item, *_BOUNDS[type(item)]) for item in metadata if type(item) in _BOUNDS]
    return "".join(f" {sign} {_bound(getattr(item, name))}" for item, sign, name in found)


def _bound(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)
