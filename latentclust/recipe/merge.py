"""Merging of a recipe's tables over those of its base, with the origin of each value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Layered:
    """A merged recipe and the origin of each of its values.

    Attributes:
        tree: Merged tables.
        origins: Layer that set each value, by dotted key.
    """

    tree: Tree = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def over(self, tree: Mapping[str, Any], origin: str) -> "Layered":
        """Return a copy of this recipe with other tables merged over it."""
        origins = dict(self.origins)
        merged = _merge(self.tree, tree, origin, "", origins)
        return Layered(merged, {key: value for key, value in origins.items() if _holds(merged, key)})


def _merge(base: Mapping[str, Any], over: Mapping[str, Any], origin: str, prefix: str, origins: dict[str, str]) -> Tree:
    """Merge tables by key and replace other values. A table whose `use` differs from its base's replaces it."""
    replaces = None not in (_named(base), _named(over)) and _named(base) != _named(over)
    merged: Tree = {} if replaces else dict(base)
    for key, value in over.items():
        place = f"{prefix}{key}"
        if isinstance(value, Mapping):
            below = merged.get(key)
            merged[key] = _merge(below if isinstance(below, Mapping) else {}, value, origin, f"{place}.", origins)
        else:
            merged[key] = value
            origins[place] = origin
    return merged


def _named(table: Mapping[str, Any]) -> str | None:
    """Return the part that a table names by `use`. A view with a list of `steps` counts as another name."""
    return "a list of steps" if isinstance(table.get("steps"), list) else table.get("use")


def _holds(tree: Mapping[str, Any], dotted: str) -> bool:
    """Return whether a dotted key leads to a value that is not a table."""
    node: Any = tree
    for key in dotted.split("."):
        if not isinstance(node, Mapping) or key not in node:
            return False
        node = node[key]
    return not isinstance(node, Mapping)
