"""What the recipe files that ship say of themselves."""

import tomllib
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from latentclust.recipe.load import load_recipe, shipped_recipes
from latentclust.registry import Registry


@dataclass(frozen=True, slots=True)
class ShippedRecipe:
    """A recipe in a line."""

    name: str
    system: str
    data: str
    description: str


def shipped(registry: Registry) -> list[ShippedRecipe]:
    """Every recipe that travels with the package, by name."""
    found = shipped_recipes()
    return [_line(name, file, registry, found) for name, file in found.items()]


def description_of(file: Traversable) -> str:
    """The `description` of a recipe file; empty where it has none."""
    return str(tomllib.loads(file.read_text(encoding="utf-8")).get("description", ""))


def system_of(file: Traversable, found: dict[str, Traversable]) -> str:
    """The system at the end of the chain of shipped files that a file extends; empty where it stands by itself."""
    base = str(tomllib.loads(file.read_text(encoding="utf-8")).get("extends", ""))
    following = found.get(base.removesuffix(".toml"))
    return system_of(following, found) if following else base


def _line(name: str, file: Traversable, registry: Registry, found: dict[str, Traversable]) -> ShippedRecipe:
    recipe = load_recipe(name, registry).recipe
    return ShippedRecipe(name, system_of(file, found), recipe.data.use, recipe.description)
