"""Checks of a recipe's sample tables: their quantities, names, networks and use."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from latentclust.assemble.lookup import Lookup
from latentclust.assemble.step_plan import ENGINE_VALUES, StepPlan
from latentclust.errors import did_you_mean
from latentclust.recipe.schema import Recipe
from latentclust.specs.sample_tables import TableSpec
from latentclust.specs.views import HostViewSpec, ViewSpec
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


def view_source(recipe: Recipe, name: str) -> str | None:
    """Return `of` of a view: the quantity `TABLE_images`. None for views of the batch, and for other names."""
    return recipe.views[name].of if name in recipe.views else None


def view_tables(recipe: Recipe) -> dict[str, str]:
    """Return the tables whose samples are augmented, by the name of the view."""
    return {name: view.of.removesuffix(IMAGES) for name, view in recipe.views.items() if view.of is not None}


def check_views(lookup: Lookup, recipe: Recipe, views: Mapping[str, Sequence[ViewSpec | None]], tables: Specs) -> None:
    """Add an issue for each view that is like an unsuitable view, or of something else than a table of samples."""
    for name, view in recipe.views.items():
        if view.like is not None and (view.like not in recipe.views or recipe.views[view.like].like is not None):
            others = [other for other, table in recipe.views.items() if table.like is None]
            what = f"{view.like!r} is not a view with augmentations of its own"
            lookup.add_issue(f"views.{name}.like", what, did_you_mean(view.like, others))
        samples = [table + IMAGES for table, spec in tables.items() if spec is None or spec.of_samples]
        if view.of is not None and view.of not in samples:
            fix = did_you_mean(view.of, samples) if samples else "Add a table of sample indices under [tables]"
            lookup.add_issue(f"views.{name}.of", f"{view.of!r} is not the images of a table of samples", fix)
        elif view.of is not None and any(isinstance(step, HostViewSpec) for step in views[name]):
            what = "has steps of single decoded images, which exist for the images of a batch only"
            lookup.add_issue(f"views.{name}.of", what, "Use steps of whole batches, such as affine or colour-jitter")


def used_tables(lookup: Lookup, recipe: Recipe, tables: Specs, plans: Iterable[StepPlan]) -> dict[str, TableSpec]:
    """Return the tables that a plan reads. Add issues for others, unless a disabled or invalid loss may read them."""
    plans = tuple(plans)
    given = {name for plan in plans for name in plan.given}
    read = {_table_of(view_source(recipe, name) or name, tables) for name in given}
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
