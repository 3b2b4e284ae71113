"""Likely causes of bad clusters, found without labels, with the recipe keys that change them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from latentclust.assemble.resolve import Resolved
from latentclust.evaluate.learning import is_confidence_at_chance, is_loss_at_chance, still_falls
from latentclust.recipe.schema import Recipe


@dataclass(frozen=True, slots=True)
class Causes:
    """Signs that too little was learned.

    Attributes:
        sentences: The signs, each with what to change. Empty if there is none.
        at_chance: Whether the mean confidence is near its value at chance.
    """

    sentences: tuple[str, ...] = ()
    at_chance: bool = False


def find_causes(resolved: Resolved, history: Sequence[Mapping[str, float]], confidence: float | None) -> Causes:
    """Return the signs that too little was learned.

    Args:
        resolved: Recipe of the run.
        history: Logged losses by round. Empty for an evaluation.
        confidence: Mean probability of the chosen clusters. None if unknown.
    """
    recipe, clusters = resolved.recipe, resolved.prior.clusters
    last = history[-1] if history else {}
    chance = {name: value for name, value in _chances(resolved).items() if name in last}
    stuck = [name for name, value in chance.items() if is_loss_at_chance(last[name], value, clusters)]
    signs = [f"the loss {name} is {last[name]:.3g} ({chance[name]:.3g} at chance)" for name in stuck]
    unsure = confidence is not None and is_confidence_at_chance(confidence, clusters)
    if unsure:
        signs.append(f"the mean confidence is {confidence:.3g} (1/K = {1 / clusters:.3g} at chance)")
    if signs:
        text = " and ".join(signs)
        said = f"{text[0].upper()}{text[1:]}: too little is learned yet. {_remedy(recipe, stuck)}"
        return Causes((said,), unsure)
    falling = [name for name in _falls(resolved) if still_falls([line[name] for line in history if name in line])]
    if falling:
        what = "losses" if len(falling) > 1 else "loss"
        verb = "fall" if len(falling) > 1 else "falls"
        said = f"The {what} {', '.join(falling)} still {verb} at the last round: raise {_rounds(recipe)}."
        return Causes((said,))
    return Causes()


def _remedy(recipe: Recipe, stuck: Sequence[str]) -> str:
    if not recipe.losses:
        return "Change data.preprocess or the options of [inference]."
    text = f"Raise {_rounds(recipe)}"
    if not stuck:
        return f"{text}."
    player = recipe.losses[stuck[0]].player
    return f"{text}; if nothing changes, raise losses.{stuck[0]}.weight or players.{player}.optimizer.lr."


def _chances(resolved: Resolved) -> dict[str, float]:
    """Return the value at chance of each enabled loss that has one."""
    terms = {term.name: term.loss.chance(resolved.prior.clusters) for p in resolved.plans.values() for term in p.terms}
    return {name: value for name, value in terms.items() if value is not None}


def _falls(resolved: Resolved) -> list[str]:
    """Return the losses that a training lowers: all of a single player, but not those of adversaries."""
    if len(resolved.plans) > 1:
        return list(_chances(resolved))
    return [term.name for plan in resolved.plans.values() for term in plan.terms]


def _rounds(recipe: Recipe) -> str:
    return f"train.rounds (now {recipe.train.rounds:,})"
