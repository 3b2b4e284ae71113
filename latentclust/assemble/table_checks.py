"""Checks of a recipe's sample tables: their quantities, names, networks and use."""

from collections.abc import Iterable, Mapping
from typing import Any

from latentclust.assemble.lookup import Lookup
from latentclust.assemble.step_plan import ENGINE_VALUES, StepPlan
from latentclust.recipe.schema import Recipe
from latentclust.specs.sample_tables import TableSpec
from latentclust.tensors import Images

IMAGES = "_images"
"""Suffix of the quantity with the image of one sample drawn from each row of a table of sample indices."""

Specs = Mapping[str, TableSpec | None]
"""Sample tables by name; None for an invalid one."""


def table_types(tables: Specs) -> dict[str, Any]:
    """Return the types of the quantities that tables provide. An invalid table counts as providing all it could."""
    types: dict[str, Any] = {name: Any if spec is None else spec.provides for name, spec in tables.items()}
    of_samples = [name for name, spec in tables.items() if spec is None or spec.of_samples]
    return types | {name + IMAGES: Images for name in of_samples}


def check_tables(lookup: Lookup, recipe: Recipe, tables: Specs, provided: Iterable[str]) -> None:
    """Add an issue for each table whose name is taken, or that requires a network the recipe does not have."""
    taken = {*ENGINE_VALUES, *recipe.networks, *recipe.views, *provided}
    for name, spec in tables.items():
        others = {*taken, *table_types({other: tables[other] for other in tables if other != name})}
        for clash in sorted(others & set(table_types({name: spec}))):
            lookup.add_issue(
                f"tables.{name}", f"the name {clash!r} is already used in this recipe", "Give the table another name"
            )
        for network in spec.needs if spec else ():
            if network not in recipe.networks:
                what = f"{recipe.tables[name].use!r} requires the network {network!r}, which is missing"
                lookup.add_issue(f"tables.{name}", what, f"Add [networks.{network}]")


def used_tables(lookup: Lookup, recipe: Recipe, tables: Specs, plans: Iterable[StepPlan]) -> dict[str, TableSpec]:
    """Return the tables that a plan reads. Add issues for others, unless a disabled or invalid loss may read them."""
    plans = tuple(plans)
    read = {_table_of(name, tables) for plan in plans for name in plan.given}
    bound = {term.name for plan in plans for term in plan.terms if term.reads}
    for name, spec in tables.items():
        if spec and name not in read and bound == set(recipe.losses):
            fix = f"Bind a loss to {name!r} with `on`, or remove the table"
            lookup.add_issue(f"tables.{name}", "no loss depends on this table", fix)
    return {name: spec for name, spec in tables.items() if spec and name in read}


def _table_of(name: str, tables: Mapping[str, Any]) -> str | None:
    """Return the table that provides a quantity, or None."""
    bare = name.removesuffix(IMAGES)
    return name if name in tables else bare if bare in tables else None
