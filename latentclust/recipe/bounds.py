"""Bounds of all values of a recipe, whatever part reads them, so that none overflows in a library below."""

from collections.abc import Iterator, Mapping
from math import isnan
from typing import Any

from latentclust.errors import Issue

DEEPEST = 12
"""Maximum depth of nested tables and lists."""

MOST_VALUES = 20_000
"""Maximum number of values in a recipe."""

LARGEST_SEED = 2**63 - 1
LARGEST_INTEGER = 2**53
LARGEST_FLOAT, SMALLEST_FLOAT = 1e38, 1e-37
"""Range of the magnitudes of float32's normal numbers; 0 is allowed too."""

FIX = "Use a value of the usual size"


def out_of_bounds(tree: Mapping[str, Any]) -> tuple[Issue, ...]:
    """Return an issue for each value of a recipe that is out of bounds, or a single one if there are too many values.

    Args:
        tree: Tables of the recipe, as read from TOML.
    """
    issues: list[Issue] = []
    for count, (place, depth, value) in enumerate(_values(tree, "", 0)):
        if depth > DEEPEST:
            return (Issue(place, f"is nested deeper than {DEEPEST} levels", "Write fewer nested lists and tables"),)
        if count >= MOST_VALUES:
            return (Issue(place, f"a recipe has at most {MOST_VALUES:,} values", "Split it, or check how it was made"),)
        if (what := _problem(place, value)) is not None:
            issues.append(Issue(place, what, FIX))
    return tuple(issues)


def _values(node: Any, place: str, depth: int) -> Iterator[tuple[str, int, Any]]:
    """Yield each value with its dotted key and depth. What is too deep is yielded itself, unread."""
    if depth > DEEPEST or not isinstance(node, (Mapping, list, tuple)):
        yield place, depth, node
        return
    items = node.items() if isinstance(node, Mapping) else enumerate(node)
    for key, value in items:
        yield from _values(value, f"{place}.{key}" if place else str(key), depth + 1)


def _problem(place: str, value: Any) -> str | None:
    """Return what is wrong with a number, as a predicate."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int):
        largest = LARGEST_SEED if place == "seed" else LARGEST_INTEGER
        return f"{_short(value)} exceeds {largest:,}" if abs(value) > largest else None
    if value and not SMALLEST_FLOAT <= abs(value) <= LARGEST_FLOAT and not isnan(value):
        return f"{value:g} is not within {SMALLEST_FLOAT:g} and {LARGEST_FLOAT:g} in magnitude"
    return None


def _short(value: int) -> str:
    """Return an integer; of a long one, its number of bits, since its digits take long to compute."""
    return f"{value:,}" if value.bit_length() < 200 else f"a number of {value.bit_length():,} bits"
