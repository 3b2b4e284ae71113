"""Validation of the valid part of a recipe, so that one run reports the issues of all its tables and parts."""

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
"""Placeholder for the name of a part or a player that is missing or invalid."""

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
"""Placeholders for required keys that are missing or invalid, which has been recorded as an issue."""

TABLES_OF_TRAINING = ("networks", "players", "losses")
"""Tables that a recipe need not have if it trains nothing."""

TABLES_OF_TABLES = frozenset({"losses", "networks", "players", "stages", "tables", "views"})
"""Tables of tables, whose entries are referred to by name."""


@dataclass(frozen=True, slots=True)
class ValidTables:
    """The tables of a recipe, as far as they are valid.

    Attributes:
        recipe: The recipe. If there are issues, invalid values are removed or replaced, to find further issues.
        issues: Issues of the tables themselves.
    """

    recipe: Recipe
    issues: tuple[Issue, ...]


def read_tables(tree: Mapping[str, Any]) -> ValidTables:
    """Validate tables, replacing the invalid values until the others are valid.

    Raises:
        LatentclustError: If no valid recipe is left, with all issues found so far.
    """
    readable = _without_training(_with_rounds(json.loads(json.dumps(tree, default=str))))
    issues: tuple[Issue, ...] = ()
    while True:
        try:
            return ValidTables(strict(Recipe, readable), issues)
        except ValidationError as error:
            found = mistakes(Recipe, error, readable, "")
        # Later errors are consequences of the replacements, so only the first ones are reported.
        issues = issues or tuple(mistake.issue for mistake in found)
        # From the end, so that positions in lists stay right.
        if not all(_replace_invalid(readable, mistake.path) for mistake in reversed(found)):
            raise LatentclustError(*issues)


def _with_rounds(tree: dict[str, Any]) -> dict[str, Any]:
    """Set `train.rounds` to the sum of the stages' rounds if it is missing."""
    stages = tree.get("stages")
    if not isinstance(stages, dict) or not stages:
        return tree
    train = tree.setdefault("train", {})
    if isinstance(train, dict) and "rounds" not in train:
        said = [stage.get("rounds") for stage in stages.values() if isinstance(stage, dict)]
        train["rounds"] = sum(rounds for rounds in said if isinstance(rounds, int) and rounds > 0) or len(stages)
    return tree


def _without_training(tree: dict[str, Any]) -> dict[str, Any]:
    """Add empty tables of networks, players and losses to a recipe with `train.rounds = 0`, if they are missing."""
    train = tree.get("train")
    rounds = train.get("rounds") if isinstance(train, dict) else None
    return {key: {} for key in TABLES_OF_TRAINING} | tree if rounds == 0 else tree


def _replace_invalid(tree: dict[str, Any], path: KeyPath) -> bool:
    """Remove the value at `path`, or add a placeholder if it is missing. Return whether that was possible.

    Nothing is left to do for a value whose table was replaced before.
    """
    *above, key = path
    table: Any = tree
    for step in above:
        if not holds(table, step):
            return True
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
