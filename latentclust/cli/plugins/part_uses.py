"""Shipped recipes and systems that use a part."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from latentclust.errors import LatentclustError
from latentclust.plugins.checks import RECIPE
from latentclust.plugins.registry import Part, Registry
from latentclust.recipe.load import load_recipe, shipped_recipes
from latentclust.recipe.schema import QuantityTable, Recipe
from latentclust.recipe.table import PartTable
from latentclust.specs.inference import ChainSpec


@dataclass(frozen=True, slots=True)
class PartUses:
    """The names of the recipes and systems that use a part."""

    recipes: tuple[str, ...]
    systems: tuple[str, ...]


def find_uses(registry: Registry, part: Part) -> PartUses:
    """Return the shipped recipes and the systems that use a part, directly or through what they extend."""
    systems = {one.name: {"schema": 1, "name": one.name, "extends": one.qualified} for one in registry.parts("system")}
    return PartUses(
        tuple(name for name in shipped_recipes() if _uses(registry, part, name)),
        tuple(name for name, tables in systems.items() if name != part.name and _uses(registry, part, tables)),
    )


def _uses(registry: Registry, part: Part, source: str | Mapping[str, Any]) -> bool:
    try:
        loaded = load_recipe(source, registry)
    except LatentclustError:  # a system of a plugin may need a part that is missing
        return False
    if part.kind == RECIPE:
        return False  # a recipe is a file, whose origin in another one is a path
    if part.kind == "system":
        names = {origin for origin in loaded.layered.origins.values() if "@" in origin}
    else:
        names = set(used_names(registry, loaded.tables.recipe, part.kind))
    return any(_is(registry, part, name) for name in names)


def _is(registry: Registry, part: Part, name: str) -> bool:
    """Return whether a name in a recipe selects the part."""
    try:
        return registry.find(part.kind, name, "").qualified == part.qualified
    except LatentclustError:
        return False


def used_names(registry: Registry, recipe: Recipe, kind: str) -> Iterator[str]:
    """Yield the names of a kind that a recipe uses. Quantities are those that its losses need."""
    if kind == "quantity":
        yield from _quantities(registry, recipe)
    else:
        yield from (item if isinstance(item, str) else item.use for item in _items(recipe)[kind])


def _items(recipe: Recipe) -> Mapping[str, list[str | PartTable]]:
    """Return the tables and names of a recipe by kind."""
    return {
        "backbone": [*recipe.networks.values(), *([recipe.features] if recipe.features else [])],
        "prior": [recipe.prior],
        "loss": [table for table in recipe.losses.values() if table.enabled],
        "view": [*recipe.data.preprocess, *(part for view in recipe.views.values() for part in view.parts())],
        "table": [*recipe.tables.values()],
        "start": [stage.start for stage in recipe.stages.values() if stage.start is not None],
        "inference": [recipe.inference, *recipe.evaluate.readouts],
        "dataset": [recipe.data],
        "metric": [*recipe.evaluate.metrics],
        "baseline": [*recipe.evaluate.baselines],
    }


def _quantities(registry: Registry, recipe: Recipe) -> Iterator[str]:
    """Yield the quantities that the losses need, followed through parameter names as binding does."""
    given = {*recipe.networks, *recipe.views, *recipe.tables, *_provided(registry, recipe)}
    pending = [name for table in recipe.losses.values() if table.enabled for name in _read_names(registry, table)]
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        if name in seen or name in given:
            continue
        seen.add(name)
        item = recipe.quantities.get(name, name)
        table = QuantityTable(use=item) if isinstance(item, str) else item
        found = _find(registry, "quantity", table.use)
        if found is not None:
            yield table.use
            pending += _bound_names(found.value, table.on)


def _read_names(registry: Registry, table: Any) -> list[str]:
    """Return the names that a loss reads, after the bindings of its table."""
    loss = _find(registry, "loss", table.use)
    if loss is None:
        return []
    later = list(inspect.signature(loss.value.after_step).parameters)[1:]
    return [*_bound_names(loss.value, table.on), *(table.on.get(name, name) for name in later)]


def _bound_names(value: Any, on: Mapping[str, str]) -> list[str]:
    """Return the names that a function, or a class with `__call__`, reads under bindings."""
    is_spec = isinstance(value, type)
    parameters = list(inspect.signature(value.__call__ if is_spec else value).parameters)[is_spec:]
    return [on.get(parameter, parameter) for parameter in parameters]


def _provided(registry: Registry, recipe: Recipe) -> tuple[str, ...]:
    """Return the quantities that the inference of a recipe provides to a training step."""
    found = _find(registry, "inference", recipe.inference.use)
    return tuple(found.value.provides) if found and issubclass(found.value, ChainSpec) else ()


def _find(registry: Registry, kind: str, name: str) -> Part | None:
    try:
        return registry.find(kind, name, "")
    except LatentclustError:
        return None
