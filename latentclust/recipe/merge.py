"""How a recipe's tables merge over its base's, remembering where each value came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Layered:
    """A merged recipe and the origin of each of its values.

    Attributes:
        tree: The merged tables.
        origins: The layer that set each value, by dotted key.
    """

    tree: Tree = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def over(self, tree: Mapping[str, Any], origin: str) -> "Layered":
        """This recipe with another's tables merged over it; neither is changed."""
        origins = dict(self.origins)
        merged = _merge(self.tree, tree, origin, "", origins)
        return Layered(merged, {key: value for key, value in origins.items() if _holds(merged, key)})


def _merge(base: Mapping[str, Any], over: Mapping[str, Any], origin: str, prefix: str, origins: dict[str, str]) -> Tree:
    """Tables merge by key, all else replaces; a table that `use`s another part replaces its base's."""
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
    """The part that a table names by `use`; a view may list several as `steps` instead, which is one more name."""
    return "a list of steps" if isinstance(table.get("steps"), list) else table.get("use")


def _holds(tree: Mapping[str, Any], dotted: str) -> bool:
    """Whether a dotted key still leads to a value."""
    node: Any = tree
    for key in dotted.split("."):
        if not isinstance(node, Mapping) or key not in node:
            return False
        node = node[key]
    return not isinstance(node, Mapping)
