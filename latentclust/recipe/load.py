"""Loading of recipes from a file, a shipped name or tables, merged with their bases and settings."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import tomli_w

from latentclust.errors import LatentclustError, did_you_mean, raise_all
from latentclust.plugins.registry import Registry
from latentclust.recipe.bounds import out_of_bounds
from latentclust.recipe.merge import Layered
from latentclust.recipe.overrides import Overrides, override_layers
from latentclust.recipe.partial_validation import ValidTables, read_tables
from latentclust.recipe.schema import SCHEMA, Recipe
from latentclust.recipe.trial import as_trial, shortened

LONGEST_CHAIN = 20
"""Maximum number of recipes that extend one another."""

VARIANT_DIGITS = 12
"""Number of hexadecimal digits of `LoadedRecipe.variant`."""

PART_ORIGIN = "--rounds-fraction"
"""Origin of the values that a part of the rounds changes."""

GIVEN = "the given tables"
"""Origin of values that were not read from a file."""


@dataclass(frozen=True, slots=True)
class LoadedRecipe:
    """A recipe with its merged text.

    Attributes:
        tables: Validated tables and their issues; `resolve` raises these together with its own.
        layered: Merged tables with the origin of each value.
    """

    tables: ValidTables
    layered: Layered

    @property
    def recipe(self) -> Recipe:
        """Validated tables. LatentclustError is raised with all issues of the tables."""
        raise_all(self.tables.issues)
        return self.tables.recipe

    @property
    def text(self) -> str:
        """Merged recipe as TOML. Loading it again gives the same recipe."""
        return tomli_w.dumps(self.layered.tree)

    @property
    def digest(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def variant(self) -> str:
        """Short hash of the recipe without its seed and texts. Runs with the same variant may be averaged."""
        tree = {key: value for key, value in self.layered.tree.items() if key != "seed"}
        if isinstance(losses := tree.get("losses"), dict):
            tree["losses"] = {name: _without_texts(table) for name, table in losses.items()}
        if isinstance(train := tree.get("train"), dict) and train.get("starts", 1) == 1:
            # A single start is never compared.
            tree["train"] = {key: value for key, value in train.items() if key not in ("starts", "score_starts_by")}
        return hashlib.sha256(json.dumps(tree, sort_keys=True, default=str).encode()).hexdigest()[:VARIANT_DIGITS]


def load_recipe(
    source: str | Path | Mapping[str, Any],
    registry: Registry,
    overrides: Overrides = (),
    *,
    quick: bool = False,
    part: Fraction | None = None,
) -> LoadedRecipe:
    """Read a recipe, its bases and overrides. Issues of its tables are kept for `resolve`, which finds the rest.

    Args:
        source: A path, the name of a shipped recipe, or the tables themselves.
        registry: Registry that contains the systems for `extends`.
        overrides: `--set` settings `dotted.key=value`, or a mapping of dotted keys to values.
        quick: Whether to divide the rounds by ten and to mark the recipe as a trial.
        part: Another part of the rounds, in (0, 1], with the same mark. None: all.

    Raises:
        LatentclustError: If the recipe cannot be read at all: its file, syntax (with line and column), bases or schema.
    """
    layered = _from_source(source, registry)
    for tables, origin in override_layers(overrides):
        layered = layered.over(tables, origin)
    schema = layered.tree.get("schema", SCHEMA)
    if type(schema) is not int or schema != SCHEMA:  # True and 1.0 equal 1
        raise LatentclustError.at("schema", f"unknown schema {layered.tree['schema']!r}", f"Use schema = {SCHEMA}")
    if issues := out_of_bounds(layered.tree):
        raise LatentclustError(*issues)
    layered = as_trial(layered) if quick else layered
    layered = layered if part is None else shortened(layered, part, PART_ORIGIN)
    return LoadedRecipe(read_tables(layered.tree), layered)


def _without_texts(table: Any) -> Any:
    """Return the table of a loss without the text for the report, which changes no result."""
    return {key: value for key, value in table.items() if key != "if_empty"} if isinstance(table, dict) else table


def shipped_recipes() -> dict[str, Traversable]:
    """Return the recipes of the package by name."""
    installed = files("latentclust") / "recipes"
    # In a source checkout or an editable install, the recipes are outside the package.
    folder: Traversable = installed if installed.is_dir() else Path(__file__).parents[2] / "recipes"
    found = sorted((item for item in folder.iterdir() if item.name.endswith(".toml")), key=lambda item: item.name)
    return {item.name.removesuffix(".toml"): item for item in found}


def known_recipes(registry: Registry) -> dict[str, Traversable]:
    """Return the recipes of the package and of plugins by name; one of a name that is taken has its full name."""
    shipped = shipped_recipes()
    of_plugins = {
        part.qualified if part.name in shipped else registry.recipe_name(part): part.value
        for part in registry.parts("recipe")
    }
    return shipped | of_plugins


def _find_recipe(name: str, registry: Registry) -> tuple[Traversable, str] | None:
    """Return a known recipe and its label. None if there is none; LatentclustError is raised if it cannot be used."""
    known = known_recipes(registry)
    if name in known:
        return known[name], f"{name}.toml"
    provided = [part.name for part in registry.parts("recipe")]
    if name.rpartition(":")[2] in (*provided, *(one.name for one in registry.broken if one.kind == "recipe")):
        return registry.find("recipe", name, name).value, f"{name}.toml"
    return None


def _from_source(source: str | Path | Mapping[str, Any], registry: Registry) -> Layered:
    if isinstance(source, Mapping):
        return _based(_as_toml(source), GIVEN, registry, ())
    path = Path(source).expanduser()
    if path.suffix == ".toml" or path.is_file():
        return _from_file(path, str(path), registry, ())
    if found := _find_recipe(str(source), registry):
        return _from_file(*found, registry, ())
    raise LatentclustError.at(str(source), "unknown recipe", did_you_mean(str(source), known_recipes(registry)))


def _as_toml(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return Python tables as TOML would: paths as strings, tuples as lists."""
    try:
        return tomllib.loads(tomli_w.dumps(json.loads(json.dumps(source, default=str))))
    except TypeError as error:
        raise LatentclustError.at(
            GIVEN, f"cannot be written as TOML ({error})", "Remove values that are None"
        ) from error


def _from_file(file: Traversable | Path, origin: str, registry: Registry, seen: tuple[str, ...]) -> Layered:
    """Read a file and merge it over the recipe that it extends."""
    if isinstance(file, Path) and file.exists() and not file.is_file():
        raise LatentclustError.at(origin, "is not a regular file", "Use a readable UTF-8 TOML file")
    if len(seen) >= LONGEST_CHAIN:
        what = f"is the end of a chain of more than {LONGEST_CHAIN} recipes"
        raise LatentclustError.at(origin, what, "Extend fewer recipes one after another")
    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise LatentclustError.at(
            origin, "the file does not exist", "Check the path; `latentclust recipe list` shows shipped recipes"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise LatentclustError.at(origin, f"cannot be read ({error})", "Use a readable UTF-8 TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise LatentclustError.at(origin, f"is not valid TOML: {error}", "Fix the syntax there") from error
    except RecursionError as error:
        raise LatentclustError.at(origin, "is nested too deeply", "Write fewer nested lists and tables") from error
    except ValueError as error:  # an integer of thousands of digits
        raise LatentclustError.at(origin, f"cannot be read ({error})", "Use values of the usual size") from error
    siblings = file.parent if isinstance(file, Path) else None
    return _based(tree, origin, registry, (*seen, _identity(file)), siblings)


def _identity(file: Traversable | Path) -> str:
    """Return a string that is equal for all paths of a file."""
    return str(file.resolve() if isinstance(file, Path) else file)


def _based(
    tree: dict[str, Any], origin: str, registry: Registry, seen: tuple[str, ...], folder: Path | None = None
) -> Layered:
    """Return a recipe's own tables merged over those of the recipe that it extends."""
    base = tree.pop("extends", None)
    if base is None:
        return Layered().over(tree, origin)
    where = f"{origin}: extends"
    if not isinstance(base, str):
        raise LatentclustError.at(where, f"invalid value {base!r}", "Name a system or a recipe file in quotes")
    file, label = _base(base, where, registry, folder)
    if _identity(file) in seen:
        raise LatentclustError.at(where, f"{base!r} closes a cycle of recipes", "Remove one `extends` of the cycle")
    return _from_file(file, label, registry, seen).over(tree, origin)


def _base(name: str, where: str, registry: Registry, folder: Path | None) -> tuple[Traversable | Path, str]:
    """Return the base of a recipe and its label: a system `NAME@VERSION`, a neighbouring file or a shipped recipe."""
    if "@" in name:
        return registry.find("system", name, where).value, name
    file = (folder or Path()) / Path(name if name.endswith(".toml") else f"{name}.toml").expanduser()
    if file.exists():
        return file, str(file)
    if found := _find_recipe(name.removesuffix(".toml"), registry):
        return found
    known = [*(part.name for part in registry.parts("system")), *known_recipes(registry)]
    raise LatentclustError.at(where, f"unknown system or recipe {name!r}", did_you_mean(name, known))
