"""Trials: a part of the rounds of a recipe, to see within minutes whether it is worth the whole."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, TypeGuard

from latentclust.recipe.merge import Layered
from latentclust.recipe.training_tables import TrainTable

PARTS = 10
"""A trial has the rounds of its recipe divided by this number."""

ORIGIN = "--quick"
"""Origin of the values that a trial changes."""

DEFAULTS = {key: TrainTable.model_fields[key].default for key in ("select_every", "log_every")}
"""Defaults of the other keys of `[train]` that are counted in rounds and have an influence on the result or the log."""


def as_trial(layered: Layered) -> Layered:
    """Return a merged recipe with a tenth of its rounds, marked by `train.trial`. A trial is returned as it is."""
    return shortened(layered, Fraction(1, PARTS), ORIGIN)


def shortened(layered: Layered, part: Fraction, origin: str) -> Layered:
    """Return a merged recipe with a part of its rounds, marked by `train.trial`. A trial is returned as it is.

    The number of rounds and all intervals in rounds are multiplied, except that of checkpoints. Stages share the rounds
    in proportion, and schedules follow the progress, so that a trial runs through the same course. Values that are not
    integers stay, and are reported when the recipe is validated. A recipe without rounds does not change either.

    Args:
        layered: The merged recipe.
        part: Part of the rounds, in (0, 1].
        origin: Origin of the values that are changed, such as an option.
    """
    tree = layered.tree
    train = _table(tree.get("train"))
    if train.get("trial") is True or train.get("rounds") == 0:
        return layered
    stages = [_table(stage) for stage in _table(tree.get("stages")).values()]
    said = [stage["rounds"] for stage in stages if _is_count(stage.get("rounds"))]
    rounds = train.get("rounds", sum(said) if stages else None)
    changed: dict[str, Any] = {"trial": True}
    if _is_count(rounds):
        changed["rounds"] = max(_part(rounds, part), len(stages))
    intervals = DEFAULTS | {key: train[key] for key in DEFAULTS if key in train}
    changed |= {key: _part(value, part) for key, value in intervals.items() if _is_count(value)}
    tables = {name: _table(table).get("every") for name, table in _table(tree.get("tables")).items()}
    changes: dict[str, Any] = {"train": changed}
    if every := {name: {"every": _part(value, part)} for name, value in tables.items() if _is_count(value)}:
        changes["tables"] = every
    if _is_count(curve := _table(tree.get("evaluate")).get("every")):
        changes["evaluate"] = {"every": _part(curve, part)}
    return layered.over(changes, origin)


def _part(rounds: int, part: Fraction) -> int:
    return max(int(rounds * part), 1)


def _is_count(value: Any) -> TypeGuard[int]:
    """Return whether a value is a number of rounds above zero."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
