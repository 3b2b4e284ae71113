"""Checks of systems: base recipes that lack nothing but data."""

import tomllib

from latentclust.assemble.graph import dot
from latentclust.assemble.mermaid import mermaid
from latentclust.assemble.resolve import Resolved
from latentclust.assemble.system import resolve_system
from latentclust.recipe.show import annotated
from latentclust.testing.subject import CheckedPart, require


def resolves_with_any_data_set(subject: CheckedPart) -> None:
    """With a data set it resolves: every part is there, and every loss bound."""
    found = _resolved(subject)
    name = subject.part.name.partition("@")[0]
    require(found.recipe.name == name, f"its name is {found.recipe.name!r}, and it is provided as {name!r}")
    require(found.recipe.description, "it has no description")


def reads_no_label_in_training(subject: CheckedPart) -> None:
    """It asks for no learning curve, which reads labels: that is the user's to ask for."""
    require(_resolved(subject).recipe.evaluate.every == 0, "evaluate.every is not 0, and a learning curve reads labels")


def round_trips_through_a_recipe(subject: CheckedPart) -> None:
    """Shown by `recipe show` and read again, it is the same."""
    loaded = _resolved(subject).loaded
    text = annotated(loaded.layered)
    require(tomllib.loads(text) == loaded.layered.tree, "shown by `recipe show` and read again it is another")


def draws_its_graph(subject: CheckedPart) -> None:
    """`recipe show --graph` draws every loss of every player."""
    found = _resolved(subject)
    terms = [term.name for plan in found.plans.values() for term in plan.terms]
    absent = [name for name in terms if name not in dot(found) or name not in mermaid(found)]
    require(not absent, f"the graph lacks {', '.join(absent)}")


def _resolved(subject: CheckedPart) -> Resolved:
    return resolve_system(subject.part.qualified, subject.registry)
