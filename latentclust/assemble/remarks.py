"""Remarks on a valid recipe: what it may do otherwise than its author expects."""

from latentclust.assemble.resolve import Resolved
from latentclust.assemble.style_checks import style_warnings


def recipe_remarks(resolved: Resolved) -> tuple[str, ...]:
    """Return sentences about players that take no steps, and about styles that no loss trains."""
    skipped = [name for name in resolved.recipe.players if name not in resolved.plans]
    return (
        *(f"players.{name}: takes no steps, because its losses are all disabled" for name in skipped),
        *style_warnings(resolved),
    )
