"""Checks of the selection of weights."""

from latentclust.assemble.lookup import Lookup
from latentclust.assemble.stages import is_active
from latentclust.errors import did_you_mean
from latentclust.recipe.schema import Recipe


def check_selection(lookup: Lookup, recipe: Recipe) -> None:
    """Add issues for each `select_by` that is not a loss term of its stage, and for two of the last stage.

    That of `[train]` is for the last stage.
    """
    last = next(reversed(list(recipe.stages)), "")
    _check_selected(lookup, recipe, "train.select_by", recipe.train.select_by, last, "the last stage, ")
    for stage, table in recipe.stages.items():
        if table.select_by is not None:
            _check_selected(lookup, recipe, f"stages.{stage}.select_by", table.select_by, stage, "the stage ")
    if last and recipe.stages[last].select_by is not None and recipe.train.select_by != "last":
        what = f"is for the last stage, and stages.{last}.select_by is set too"
        lookup.add_issue("train.select_by", what, f"Remove stages.{last}.select_by, or set train.select_by = 'last'")


def _check_selected(lookup: Lookup, recipe: Recipe, where: str, by: str, stage: str, which: str) -> None:
    """Add an issue if weights are selected by something that is not a loss term of a stage."""
    choices = ["last", *(f"losses.{name}" for name, table in recipe.losses.items() if is_active(table, stage))]
    if by in choices:
        return
    labels = "reads labels, and weights must be selected without labels"
    term = f"is not a loss of {which}{stage!r}" if stage else "is not a loss of this recipe"
    lookup.add_issue(where, f"{by!r} {term if '.' in by else labels}", did_you_mean(by, choices))
