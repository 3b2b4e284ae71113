"""What can be read of a recipe with mistakes, so that the rest of it is judged in the same go."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from latentclust.errors import Issue, LatentclustError
from latentclust.recipe.schema import SCHEMA, Recipe
from latentclust.specs.validation import KeyPath, holds, mistakes, strict

UNKNOWN_NAME = "?"
"""Stands for the name of a part or a player that could not be read."""

PLACEHOLDERS: Mapping[str, Any] = {
    "data": {},
    "inference": {},
    "name": "unnamed",
    "player": UNKNOWN_NAME,
    "prior": {},
    "rounds": 1,
    "schema": SCHEMA,
    "train": {},
    "use": UNKNOWN_NAME,
}
"""What takes the place of a required key; that it was wrong or absent is an issue by then."""

TABLES_OF_TABLES = frozenset({"losses", "networks", "players", "stages", "tables", "views"})
"""The tables of tables, to whose entries others refer by name."""


@dataclass(frozen=True, slots=True)
class ValidTables:
    """The tables of a recipe, as far as they can be read.

    Attributes:
        recipe: The recipe itself where there are no issues; else what is left of it, by which to find further ones.
        issues: What is wrong with the tables themselves.
    """

    recipe: Recipe
    issues: tuple[Issue, ...]


def read_tables(tree: Mapping[str, Any]) -> ValidTables:
    """Reads tables, taking mistakes out one by one.

    Raises:
        LatentclustError: with every issue, where nothing is left by which to find further ones.
    """
    readable = _counted(json.loads(json.dumps(tree, default=str)))
    issues: tuple[Issue, ...] = ()
    while True:
        try:
            return ValidTables(strict(Recipe, readable), issues)
        except ValidationError as error:
            found = mistakes(Recipe, error, readable, "")
        # What is found after something was taken out follows from that.
        issues = issues or tuple(mistake.issue for mistake in found)
        if not _replace_invalid(readable, found[0].path):
            raise LatentclustError(*issues)


def _counted(tree: dict[str, Any]) -> dict[str, Any]:
    """The tables with `train.rounds`: the sum of the stages' rounds, unless it is said."""
    stages = tree.get("stages")
    if not isinstance(stages, dict) or not stages:
        return tree
    train = tree.setdefault("train", {})
    if isinstance(train, dict) and "rounds" not in train:
        said = [stage.get("rounds") for stage in stages.values() if isinstance(stage, dict)]
        train["rounds"] = sum(rounds for rounds in said if isinstance(rounds, int) and rounds > 0) or len(stages)
    return tree


def _replace_invalid(tree: dict[str, Any], path: KeyPath) -> bool:
    """Takes the value at `path` out, or puts a stand-in where a required one is missing; False where it cannot."""
    *above, key = path
    table: Any = tree
    for step in above:
        table = table[step]
    if holds(table, key) and len(path) == 2 and path[0] in TABLES_OF_TABLES:
        table[key] = {"use": UNKNOWN_NAME} if path[0] == "views" else {}
    elif holds(table, key):
        del table[key]
    elif key == "networks" and above:
        table[key] = list(tree["networks"])
    elif key in PLACEHOLDERS:
        table[key] = deepcopy(PLACEHOLDERS[str(key)])
    else:
        return bool(above) and _replace_invalid(tree, tuple(above))
    return True
