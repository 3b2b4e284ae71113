"""The values that a recipe leaves unsaid."""

from collections.abc import Mapping
from typing import Any

from latentclust.assemble.resolve import Resolved
from latentclust.recipe.merge import Layered
from latentclust.specs import Spec

ORIGIN = "default"


def with_defaults(resolved: Resolved) -> Layered:
    """The recipe's tables with every key that its tables and parts know, except those that have no value."""
    said = resolved.loaded.layered
    tree = _without_none(resolved.recipe.model_dump(mode="json", by_alias=True))
    parts: dict[str, Mapping[str, Spec]] = {
        "networks": resolved.backbones,
        "losses": {term.name: term.loss for plan in resolved.plans.values() for term in plan.terms},
    }
    for name, spec in (("data", resolved.dataset), ("prior", resolved.prior), ("inference", resolved.inference)):
        tree[name] |= _options(spec)
    for table, specs in parts.items():
        for name, spec in specs.items():
            tree[table][name] |= _options(spec)
    full = Layered().over(tree, ORIGIN).over(said.tree, ORIGIN)
    return Layered(full.tree, full.origins | said.origins)


def _options(spec: Spec) -> dict[str, Any]:
    return dict(_without_none(spec.model_dump(mode="json")))


def _without_none(value: Any) -> Any:
    """TOML has no null: a key without a value is left out."""
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return value
