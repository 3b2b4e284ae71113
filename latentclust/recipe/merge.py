"""Merging of a recipe's tables over those of its base, with the origin of each value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import tomli_w

Tree = dict[str, Any]

KEPT_BY_HAND = (
    "role",
    "reads",
    "features_of",
    "heads",
    "clusters",
    "log_variance",
    "init",
    "frozen",
    "follows",
    "decay",
)
"""Keys of a network that are no options of its backbone, and that a table with another `use` must repeat."""

KEPT = ("if_empty",)
"""Keys that hold whatever part a table names: the report's text about a loss is about its place in the system."""


@dataclass(frozen=True, slots=True)
class Layered:
    """A merged recipe and the origin of each of its values.

    Attributes:
        tree: Merged tables.
        origins: Layer that set each value, by dotted key.
        dropped: Sentence about each key of a network that a layer loses, because it names another backbone by `use`, by
            dotted key.
    """

    tree: Tree = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)

    def over(self, tree: Mapping[str, Any], origin: str) -> "Layered":
        """Return a copy of this recipe with other tables merged over it."""
        origins = dict(self.origins)
        merged = _merge(self.tree, tree, origin, "", origins)
        dropped = self.dropped | dict(_dropped(self, tree, origin))
        return Layered(
            merged,
            {key: value for key, value in origins.items() if _holds(merged, key)},
            {key: text for key, text in dropped.items() if not _holds(merged, key)},
        )


def _merge(base: Mapping[str, Any], over: Mapping[str, Any], origin: str, prefix: str, origins: dict[str, str]) -> Tree:
    """Merge tables by key, replace other values. A table whose `use` differs from its base's replaces all but KEPT."""
    replaces = None not in (_named(base), _named(over)) and _named(base) != _named(over)
    merged: Tree = {key: value for key, value in base.items() if not replaces or key in KEPT}
    for key, value in over.items():
        place = f"{prefix}{key}"
        if isinstance(value, Mapping):
            below = merged.get(key)
            merged[key] = _merge(below if isinstance(below, Mapping) else {}, value, origin, f"{place}.", origins)
        else:
            merged[key] = value
            origins[place] = origin
    return merged


def _dropped(base: Layered, over: Mapping[str, Any], origin: str) -> Iterator[tuple[str, str]]:
    """Yield the keys of networks that tables with another `use` replace without setting them, each with a sentence."""
    networks, new = base.tree.get("networks"), over.get("networks")
    for name, table in new.items() if isinstance(new, Mapping) else ():
        below = networks.get(name) if isinstance(networks, Mapping) else None
        if not (isinstance(table, Mapping) and isinstance(below, Mapping)):
            continue
        if None not in (_named(below), _named(table)) and _named(below) != _named(table):
            for key in (key for key in KEPT_BY_HAND if key in below and key not in table):
                place, value = f"networks.{name}.{key}", tomli_w.dumps({key: below[key]}).strip()
                by = base.origins.get(place, "its base")
                text = f"`{value}` of {by} does not hold any more, because {origin} names another backbone by `use`"
                yield place, f"{place}: {text}. Set {key} in this table too"


def _named(table: Mapping[str, Any]) -> str | None:
    """Return the part that a table names by `use`. A view with a list of `steps` counts as another name."""
    name = "a list of steps" if isinstance(table.get("steps"), list) else table.get("use")
    return name if isinstance(name, str) else None


def _holds(tree: Mapping[str, Any], dotted: str) -> bool:
    """Return whether a dotted key leads to a value that is not a table."""
    node: Any = tree
    for key in dotted.split("."):
        if not isinstance(node, Mapping) or key not in node:
            return False
        node = node[key]
    return not isinstance(node, Mapping)
