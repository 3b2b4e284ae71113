"""The values that a recipe leaves unsaid."""

from collections.abc import Mapping
from typing import Any

from latentclust.assemble.resolve import Resolved
from latentclust.recipe.merge import Layered
from latentclust.specs.parts import Spec

ORIGIN = "default"


def with_defaults(resolved: Resolved) -> Layered:
    """The recipe's tables with every key that its tables and parts know, except those that have no value."""
    said = resolved.loaded.layered
    tree = _filled(resolved.recipe.model_dump(mode="json", by_alias=True))
    single: dict[str, Spec] = {"data": resolved.dataset, "prior": resolved.prior, "inference": resolved.inference}
    parts: dict[str, Mapping[str, Spec]] = {
        "networks": resolved.backbones,
        "tables": resolved.tables,
        "losses": {term.name: term.loss for plan in resolved.plans.values() for term in plan.terms},
    }
    for name, spec in single.items():
        tree[name] |= _options(spec)
    for table, specs in parts.items():
        for name, spec in specs.items():
            tree[table][name] |= _options(spec)
    full = Layered().over(tree, ORIGIN).over(said.tree, ORIGIN)
    return Layered(full.tree, full.origins | said.origins)


def _options(spec: Spec) -> dict[str, Any]:
    return dict(_filled(spec.model_dump(mode="json")))


def _filled(value: Any) -> Any:
    """Without keys that have no value, for TOML has no null, and without empty tables."""
    if isinstance(value, Mapping):
        return {key: _filled(item) for key, item in value.items() if item is not None and item != {}}
    return value
