"""Remarks on a valid recipe: what it may do otherwise than its author expects."""

from collections.abc import Iterator

from latentclust.assemble.resolve import Resolved
from latentclust.assemble.style_checks import style_warnings


def recipe_remarks(resolved: Resolved) -> tuple[str, ...]:
    """Return sentences about players that take no steps, styles that no loss trains, and keys without effect."""
    skipped = [name for name in resolved.recipe.players if name not in resolved.plans]
    return (
        *(f"players.{name}: takes no steps, because its losses are all disabled" for name in skipped),
        *style_warnings(resolved),
        *_keys_of_training(resolved),
    )


def _keys_of_training(resolved: Resolved) -> Iterator[str]:
    """Yield a sentence about keys of data that only a training reads, if the recipe trains nothing and sets them."""
    if resolved.plans and resolved.recipe.train.rounds:
        return
    data = resolved.recipe.data
    given = {name: getattr(data, name) for name in ("workers", "resident") if name in data.model_fields_set}
    keys = [f"data.{name} = {str(value).lower()}" for name, value in given.items()]
    if keys:
        verb = "have" if len(keys) > 1 else "has"
        yield (
            f"{' and '.join(keys)}: {verb} no effect on a run, because the recipe trains no network: "
            "its process reads the images one batch after the other"
        )
