"""The tables of a recipe: what they give to a step, and whether anything reads it."""

from collections.abc import Iterable, Mapping
from typing import Any

from latentclust.assemble.lookup import Lookup
from latentclust.assemble.step_plan import ENGINE_VALUES, StepPlan
from latentclust.recipe.schema import Recipe
from latentclust.specs.sample_tables import TableSpec
from latentclust.tensors import Images

IMAGES = "_images"
"""What is put behind the name of a table of samples for the images of one drawn from each row."""

Specs = Mapping[str, TableSpec | None]
"""The tables by name; None for one that is an issue itself."""


def table_types(tables: Specs) -> dict[str, Any]:
    """The quantities that tables give to a step, by type; of one that is an issue itself, all that it might."""
    types: dict[str, Any] = {name: Any if spec is None else spec.provides for name, spec in tables.items()}
    of_samples = [name for name, spec in tables.items() if spec is None or spec.of_samples]
    return types | {name + IMAGES: Images for name in of_samples}


def check_tables(lookup: Lookup, recipe: Recipe, tables: Specs, provided: Iterable[str]) -> None:
    """Refuses a table by the name of something else, and one whose networks the recipe lacks."""
    taken = {*ENGINE_VALUES, *recipe.networks, *recipe.views, *provided}
    for name, spec in tables.items():
        others = {*taken, *table_types({other: tables[other] for other in tables if other != name})}
        for clash in sorted(others & set(table_types({name: spec}))):
            lookup.add_issue(
                f"tables.{name}", f"there is something else named {clash!r}", "Give the table another name"
            )
        for network in spec.needs if spec else ():
            if network not in recipe.networks:
                what = f"{recipe.tables[name].use!r} reads the network {network!r}, which the recipe lacks"
                lookup.add_issue(f"tables.{name}", what, f"Add [networks.{network}]")


def used_tables(lookup: Lookup, recipe: Recipe, tables: Specs, plans: Iterable[StepPlan]) -> dict[str, TableSpec]:
    """The tables that a plan reads. Refuses another, unless a loss that is disabled, or an issue, may have read it."""
    plans = tuple(plans)
    read = {_table_of(name, tables) for plan in plans for name in plan.given}
    bound = {term.name for plan in plans for term in plan.terms if term.reads}
    for name, spec in tables.items():
        if spec and name not in read and bound == set(recipe.losses):
            fix = f"Bind a loss to {name!r} with `on`, or take the table out"
            lookup.add_issue(f"tables.{name}", "no loss rests on this table", fix)
    return {name: spec for name, spec in tables.items() if spec and name in read}


def _table_of(name: str, tables: Mapping[str, Any]) -> str | None:
    """The table that gives a quantity of this name, or None."""
    bare = name.removesuffix(IMAGES)
    return name if name in tables else bare if bare in tables else None
