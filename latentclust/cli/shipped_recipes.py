"""Descriptions of the shipped recipes."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from itertools import takewhile
from typing import Any

from latentclust.plugins.registry import Registry
from latentclust.recipe.load import known_recipes

SENTENCE_END = re.compile(r"\.(?= |$)")


@dataclass(frozen=True, slots=True)
class ShippedRecipe:
    """The description of a shipped recipe."""

    name: str
    system: str
    data: str
    description: str


def list_shipped(registry: Registry) -> list[ShippedRecipe]:
    """Return the descriptions of all recipes of the package and of plugins in order of name."""
    return [_line(name, file, registry) for name, file in sorted(known_recipes(registry).items())]


def description_of(file: Traversable) -> str:
    """Return the `description` of a recipe file, or an empty string."""
    return str(_tables(file).get("description", ""))


def _line(name: str, file: Traversable, registry: Registry) -> ShippedRecipe:
    chain = list(_chain(file, registry))
    bases = [str(tables["extends"]) for tables in chain if "extends" in tables]
    system = next((base for base in bases if "@" in base), "–")
    data = next((tables["data"]["use"] for tables in chain if "use" in tables.get("data", {})), "–")
    return ShippedRecipe(name, system, data, description_of(file) or _first_comment(file))


def _chain(file: Traversable, registry: Registry) -> Iterator[Mapping[str, Any]]:
    """Yield the tables of a file and of each of its bases, down to a system."""
    tables = _tables(file)
    yield tables
    base = str(tables.get("extends", ""))
    if "@" in base:
        yield from _chain(registry.find("system", base, "extends").value, registry)
    elif below := known_recipes(registry).get(base.removesuffix(".toml")):
        yield from _chain(below, registry)


def _tables(file: Traversable) -> Mapping[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _first_comment(file: Traversable) -> str:
    """Return the first line of a recipe file if it is a comment, and the lines after it up to the end of a sentence."""
    lines = takewhile(lambda line: line.startswith("#"), file.read_text(encoding="utf-8").splitlines())
    first, *others = [line.removeprefix("#").strip() for line in lines] or [""]
    for line in others:
        if first.endswith("."):
            break
        end = SENTENCE_END.search(line)
        first = f"{first} {line[: end.end()] if end else line}"
    return first
