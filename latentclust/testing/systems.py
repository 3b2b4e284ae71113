"""Checks of systems: base recipes that lack nothing but data."""

import tomllib
from typing import Any

from latentclust.assemble.graph import dot
from latentclust.assemble.resolve import Resolved, resolve
from latentclust.errors import LatentclustError
from latentclust.recipe.load import load_recipe
from latentclust.recipe.show import annotated
from latentclust.testing.subject import Inapplicable, Subject, Unfit, require, unless_refused
from latentclust.validation import validate


def lacks_nothing_but_data(subject: Subject) -> None:
    """With a data set it resolves: every part is there, and every loss bound."""
    found = _resolved(subject)
    name = subject.part.name.partition("@")[0]
    require(found.recipe.name == name, f"its name is {found.recipe.name!r}, and it is provided as {name!r}")
    require(found.recipe.description, "it has no description")


def reads_no_label_in_training(subject: Subject) -> None:
    """It asks for no learning curve, which reads labels: that is the user's to ask for."""
    require(_resolved(subject).recipe.evaluate.every == 0, "evaluate.every is not 0")


def survives_a_recipe(subject: Subject) -> None:
    """Shown by `recipe show` and read again, it is the same."""
    loaded = _resolved(subject).loaded
    text = annotated(loaded.layered)
    require(tomllib.loads(text) == loaded.layered.tree, "shown by `recipe show` and read again it is another")


def draws_its_graph(subject: Subject) -> None:
    """`recipe show --graph` draws every loss of every player."""
    found = _resolved(subject)
    drawn = dot(found)
    absent = [term.name for plan in found.plans.values() for term in plan.terms if f'"{term.name}"' not in drawn]
    require(not absent, f"the graph lacks {', '.join(absent)}")


def _resolved(subject: Subject) -> Resolved:
    tables = {"extends": subject.part.qualified, "data": {"use": _any_data(subject)}}
    try:
        return resolve(load_recipe(tables, subject.registry), subject.registry)
    except LatentclustError as error:
        raise Unfit("; ".join(map(str, error.issues))) from error


def _any_data(subject: Subject) -> str:
    """A data set that needs no option: which one does not matter, for nothing is opened."""
    none: dict[str, Any] = {}
    for part in subject.registry.parts("dataset"):
        if unless_refused(validate, part.value, none, part.name) is not None:
            return part.qualified
    raise Inapplicable("there is no data set without options to try it with")
