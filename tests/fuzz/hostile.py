"""Hostile values, and trees of tables and lists in which one value is hostile."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np

Path = tuple[str | int, ...]

ESCAPES = "\x1b]0;title\x07"
"""Changes the title of a terminal."""

SECRETS = ("/", "..", "/dev/zero", "/etc/passwd")
"""Paths among the values that no file may make a command read."""


def nested(depth: int) -> list[Any]:
    """Lists in lists."""
    tree: list[Any] = []
    for _ in range(depth):
        tree = [tree]
    return tree


VALUES: tuple[Any, ...] = (
    *(None, True, False, "", [], {}, -1, 0, 1, 2, 7, 2**31, 2**53 + 1, 2**63, 2**64, 10**30, int("9" * 400)),
    *(0.5, -0.0, 1e-320, 1e308, -1e308, float("nan"), float("inf"), float("-inf")),
    *(ESCAPES, "[red]x[/]", "[/]", "nul\x00", "\ud800", "x" * 100_000, *SECRETS, "~/x"),
    *("http://127.0.0.1:9/x", "hub", "none", "nan", "1", "amortized", "mlp", "kmeans", "raster", "array", "x.tif;y"),
    *([0], [1, 2, 3], [[]], [None], ["a"], [1e300, 1], [True], list(range(10_000)), nested(11), nested(90)),
    *({"a": 1}, {"use": "mlp"}, {"use": "array", "path": "/"}, {"use": "nothing"}, {ESCAPES: 1}, {"": ""}),
)


def places(tree: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every value below a tree, those of tables and lists too."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def holder(tree: Any, path: Path) -> Any:
    """Return the table or list that holds the value at a path."""
    for step in path[:-1]:
        tree = tree[step]
    return tree


def mutate_tree(tree: Any, rng: np.random.Generator) -> tuple[Any, str]:
    """Return a copy in which one value is hostile, gone, new or another's, and what was done."""
    tree = deepcopy(tree)
    every = list(places(tree))
    path = every[rng.integers(len(every))]
    held, key = holder(tree, path), path[-1]
    value = deepcopy(VALUES[rng.integers(len(VALUES))])
    kind = rng.choice(["set", "set", "set", "remove", "add", "copy"])
    if kind == "remove":
        del held[key]
        return tree, f"remove {path}"
    if kind == "copy":
        other = every[rng.integers(len(every))]
        value = deepcopy(holder(tree, other)[other[-1]])
    if kind == "add" and isinstance(held, dict):
        key = str(rng.choice(["extends", "path", "pretrained", "use", "size", "seed", ESCAPES, "new", "[red]"]))
    elif kind == "add":
        held.append(value)
        return tree, f"append {value!r:.60} to {path[:-1]}"
    held[key] = value
    return tree, f"{(*path[:-1], key)} = {value!r:.60}"
