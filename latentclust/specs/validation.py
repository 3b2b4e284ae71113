"""Strict validation of tables by pydantic models, with errors as issues."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from latentclust.errors import Issue, LatentclustError, did_you_mean

ModelT = TypeVar("ModelT", bound=BaseModel)
KeyPath = tuple[str | int, ...]
"""Keys and positions that lead to a value in nested tables and lists."""

IN_TOML = {
    "dict_type": "Input should be a table",
    "model_type": "Input should be a table",
    "tuple_type": "Input should be a list",
    "list_type": "Input should be a list",
}
"""pydantic's messages about JSON types, in terms of TOML."""

TOO_SHORT = ("this value is missing", "Add it to the end of the list")
SHOULD_BE = "Input should be "


@dataclass(frozen=True, slots=True)
class Mistake:
    """An issue with the path of its value in the data."""

    path: KeyPath
    issue: Issue


def validate(model: type[ModelT], data: Mapping[str, Any], where: str, siblings: Iterable[str] = ()) -> ModelT:
    """Return data as an instance of a model.

    Args:
        model: The model.
        data: The data, as read from TOML.
        where: Key of the data in the recipe.
        siblings: Keys of the same table that are read elsewhere; they are suggested for unknown keys.

    Raises:
        LatentclustError: If a key is invalid, missing or unknown, with one issue for each.
    """
    try:
        return strict(model, data)
    except ValidationError as error:
        found = mistakes(model, error, data, where, siblings)
        raise LatentclustError(*(mistake.issue for mistake in found)) from error
    except LatentclustError as error:
        raise LatentclustError(*(Issue(f"{where}.{i.where}", i.what, i.fix) for i in error.issues)) from error


def strict(model: type[ModelT], data: Mapping[str, Any]) -> ModelT:
    """Validate data as JSON, where a list may be a tuple but a string is not a number. Raise pydantic's own error."""
    return model.model_validate_json(json.dumps(data, allow_nan=True, default=str))


def mistakes(
    model: type[BaseModel], error: ValidationError, data: Mapping[str, Any], where: str, siblings: Iterable[str] = ()
) -> list[Mistake]:
    """Return one mistake per invalid value; a union reports one error per branch, which are merged."""
    by_path: dict[KeyPath, list[Any]] = {}
    for item in error.errors(include_url=False):
        by_path.setdefault(_path(item, data), []).append(item)
    # One branch of a union may report an error inside a table while another rejects any table: keep the former.
    above = {path[:depth] for path in by_path for depth in range(len(path))}
    inner = [path for path in by_path if path not in above]
    return [Mistake(path, _issue(model, path, by_path[path], where, tuple(siblings))) for path in inner]


def _path(item: Any, data: Mapping[str, Any]) -> KeyPath:
    """Return an error's location in the data, without the names of union branches, which are not keys."""
    path: list[str | int] = []
    node: Any = data
    for step in item["loc"]:
        if holds(node, step):
            path.append(step)
            node = node[step]
    return (*path, item["loc"][-1]) if item["type"] == "missing" else tuple(path)


def holds(node: Any, step: str | int) -> bool:
    """Return whether a table has a key, or a list a position."""
    if isinstance(node, Mapping):
        return step in node
    return isinstance(node, (list, tuple)) and isinstance(step, int) and step < len(node)


def _issue(model: type[BaseModel], path: KeyPath, items: list[Any], where: str, siblings: tuple[str, ...]) -> Issue:
    """Return pydantic's errors at one path as one issue."""
    place = ".".join(str(step) for step in (where, *path) if step != "")
    key, kind = path[-1] if path else "", items[0]["type"]
    if kind == "extra_forbidden":
        known = [*_keys(model, path), *(siblings if len(path) == 1 else ())]
        return Issue(place, f"unknown key {key!r}", did_you_mean(str(key), known))
    if kind == "missing":
        return Issue(place, *(("this key is missing", "Add it") if isinstance(key, str) else TOO_SHORT))
    return Issue(place, f"invalid value {items[0]['input']!r}", _advice(items))


def _advice(items: list[Any]) -> str:
    """Return what the value should be, for all branches of a union. A violated rule is more specific than a type."""
    broken = [item["msg"].removeprefix("Value error, ") for item in items if item["type"] == "value_error"]
    if broken:
        return str(broken[0])
    expected = dict.fromkeys(IN_TOML.get(item["type"], item["msg"]).removeprefix(SHOULD_BE) for item in items)
    return SHOULD_BE + " or ".join(expected) if items[0]["msg"].startswith(SHOULD_BE) else " or ".join(expected)


def _keys(model: type[BaseModel], path: KeyPath) -> list[str]:
    """Return the known keys of the table that contains `path`."""
    for step in path[:-1]:
        field = model.model_fields.get(str(step))
        nested = _models(field.annotation) if field else [model]
        model = nested[0] if nested else model
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models named in an annotation such as `Mapping[str, PlayerTable]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in getattr(annotation, "__args__", ()) for model in _models(argument)]
