"""Checks of systems, base recipes that are complete except for the data, and of complete recipes."""

import tomllib

from latentclust.assemble.graph import dot, mermaid
from latentclust.assemble.resolve import Resolved, resolve, resolve_system
from latentclust.plugins.checks import RECIPE
from latentclust.recipe.load import load_recipe
from latentclust.recipe.show import annotated
from latentclust.testing.subject import CheckedPart, require


def resolves_with_any_data_set(subject: CheckedPart) -> None:
    """It resolves with a data set: all parts are available, and all losses are bound."""
    found = _resolved(subject)
    name = subject.part.name.partition("@")[0]
    require(found.recipe.name == name, f"its name is {found.recipe.name!r}, and it is provided as {name!r}")
    require(found.recipe.description, "it has no description")


def resolves_with_its_data_set(subject: CheckedPart) -> None:
    """It resolves: all parts are available, all losses are bound, and its name is the one that it is provided as."""
    found = _resolved(subject)
    require(found.recipe.name == subject.part.name, f"its name is {found.recipe.name!r}")
    require(found.recipe.description, "it has no description")


def reads_no_label_in_training(subject: CheckedPart) -> None:
    """It does not set `evaluate.every`: a learning curve reads labels, and only the user may request it."""
    require(_resolved(subject).recipe.evaluate.every == 0, "evaluate.every is not 0, and a learning curve reads labels")


def round_trips_through_a_recipe(subject: CheckedPart) -> None:
    """The output of `recipe show`, read again, is the same recipe."""
    loaded = _resolved(subject).loaded
    text = annotated(loaded.layered)
    require(tomllib.loads(text) == loaded.layered.tree, "the output of `recipe show`, read again, is another recipe")


def draws_its_graph(subject: CheckedPart) -> None:
    """`recipe show --graph` contains every loss of every player."""
    found = _resolved(subject)
    terms = [term.name for plan in found.plans.values() for term in plan.terms]
    absent = [name for name in terms if name not in dot(found) or name not in mermaid(found)]
    require(not absent, f"the graph does not contain {', '.join(absent)}")


def _resolved(subject: CheckedPart) -> Resolved:
    if subject.part.kind == RECIPE:
        return resolve(load_recipe(subject.part.qualified, subject.registry), subject.registry)
    return resolve_system(subject.part.qualified, subject.registry)
