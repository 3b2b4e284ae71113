"""Strategies of hypothesis for the values of recipes, from the annotations of the schema and of the parts."""

from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from pydantic import BaseModel

from latentclust.plugins.registry import Registry
from latentclust.recipe.schema import Recipe
from tests.fuzz.hostile import VALUES

Tables = dict[str, Any]
Strategy = st.SearchStrategy[Any]

KINDS = {"data": "dataset", "prior": "prior", "inference": "inference"}
"""Tables of one part, with its kind."""

KINDS_BELOW = {"networks": "backbone", "losses": "loss", "views": "view"}
"""Tables of tables of one part each, with their kind."""

FIXED = ("data.use", "data.path", "train.rounds", "train.devices", "schema_version")
"""Keys that keep their values: the data are at hand, and two rounds are trained on one device."""

INTEGERS = st.one_of(st.integers(0, 9), st.sampled_from([-1, 16, 100, 4097, 2**31, 2**53, 2**63]))
FLOATS = st.one_of(st.floats(0, 1), st.sampled_from([-1.0, 2.0, 1e-37, 1e-9, 1e9, 1e38, 1e39, float("nan")]))


def recipes(base: Tables, registry: Registry) -> Strategy:
    """Return a strategy of a recipe's tables in which a few values are others, of the right type mostly."""
    keys = list(_keys(base, registry))
    names = [*base["networks"], *base["players"], *base["losses"], "images", "posterior", "losses.critic", "x"]
    change = st.sampled_from(keys).flatmap(
        lambda key: st.tuples(st.just(key[0]), st.one_of(*[_value(key[1], names)] * 9, st.sampled_from(VALUES)))
    )
    return st.lists(change, min_size=1, max_size=4)


def _keys(base: Tables, registry: Registry) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the path of each key with its type: those of the schema's tables, and the options of the parts."""
    for name, field in Recipe.model_fields.items():
        below = [(name, each) for each in base.get(name, {})] if get_origin(field.annotation) else [(name,)]
        for path, model in [(path, model) for path in below for model in _models(field.annotation)[:1]]:
            yield from _fields(model, path)
    for table, kind in KINDS.items():
        yield from _part((table,), base[table], kind, registry)
    for table, kind in KINDS_BELOW.items():
        for name, below in base.get(table, {}).items():
            yield from _part((table, name), below, kind, registry)


def _part(path: tuple[str, ...], table: Tables, kind: str, registry: Registry) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the options of a part, and `use` with the names of all parts of its kind."""
    uses = tuple(part.name for part in registry.parts(kind) if part.bundled)
    if kind != "dataset":
        yield (*path, "use"), Literal[uses]  # type: ignore[valid-type]
    yield from _fields(registry.find(kind, table["use"], "").value, path)


def _fields(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, field in model.model_fields.items():
        if ".".join((path[0], name)) not in FIXED and name != "use":
            yield (*path, name), field.annotation


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]


def _value(annotation: Any, names: list[str]) -> Strategy:
    """Return a strategy of the values of a type, valid or not."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is not None:
        kept = arguments[:1] if origin is Annotated else arguments
        return _several(origin, [_value(each, names) for each in kept if each not in (NoneType, ...)], names)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = {name: _value(field.annotation, names) for name, field in annotation.model_fields.items()}
        return st.fixed_dictionaries({}, optional=fields)
    return {bool: st.booleans(), int: INTEGERS, float: FLOATS}.get(annotation, st.sampled_from(names))


def _several(origin: Any, below: list[Strategy], names: list[str]) -> Strategy:
    """Return a strategy of a union, a list or a table of other strategies."""
    if origin is Annotated:
        return below[0]
    if origin in (Union, UnionType):
        return st.one_of(*below)
    if issubclass(origin, Mapping):
        return st.dictionaries(st.sampled_from(names), below[-1], max_size=2)
    return st.lists(below[0], max_size=4)


def changed(base: Tables, changes: list[tuple[tuple[str, ...], Any]]) -> Tables:
    """Return a copy of tables with values at the given paths. What is no table on the way becomes one."""
    tables = {key: changed(value, []) if isinstance(value, dict) else value for key, value in base.items()}
    for (*above, key), value in changes:
        table = tables
        for step in above:
            if not isinstance(table.get(step), dict):
                table[step] = {}
            table = table[step]
        table[key] = value
    return tables
