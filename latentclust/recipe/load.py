"""From a path, a shipped name or a table to a recipe with its bases and settings merged."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import tomli_w

from latentclust.errors import LatentclustError, did_you_mean, raise_all
from latentclust.plugins.registry import Registry
from latentclust.recipe.merge import Layered
from latentclust.recipe.partial_validation import ValidTables, read_tables
from latentclust.recipe.schema import SCHEMA, Recipe

VARIANT_DIGITS = 12

GIVEN = "the given tables"
"""The origin of values that came from no file."""


@dataclass(frozen=True, slots=True)
class LoadedRecipe:
    """A recipe with its resolved text.

    Attributes:
        tables: What could be read, and the issues of the tables themselves; `resolve` raises them beside its own.
        layered: The merged tables with the origin of each value.
    """

    tables: ValidTables
    layered: Layered

    @property
    def recipe(self) -> Recipe:
        """The validated tables; raises LatentclustError with every issue of theirs."""
        raise_all(self.tables.issues)
        return self.tables.recipe

    @property
    def text(self) -> str:
        """The resolved recipe as TOML: loading it again gives the same recipe."""
        return tomli_w.dumps(self.layered.tree)

    @property
    def digest(self) -> str:
        """SHA-256 of the resolved text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def variant(self) -> str:
        """A short hash of everything but the seed: runs that share it may be averaged."""
        tree = {key: value for key, value in self.layered.tree.items() if key != "seed"}
        return hashlib.sha256(json.dumps(tree, sort_keys=True, default=str).encode()).hexdigest()[:VARIANT_DIGITS]


def load_recipe(
    source: str | Path | Mapping[str, Any], registry: Registry, settings: tuple[str, ...] = ()
) -> LoadedRecipe:
    """Reads a recipe, its bases and `--set` settings. Issues of its tables wait for `resolve`, which finds the others.

    Args:
        source: A path, the name of a shipped recipe, or the tables themselves.
        registry: Where `extends` looks systems up.
        settings: `dotted.key=value`, the value in TOML (a bare word is a string).

    Raises:
        LatentclustError: where the recipe cannot be read at all: file, syntax (line and column), bases, schema.
    """
    layered = _from_source(source, registry)
    for setting in settings:
        layered = layered.over(parse_setting(setting), f"--set {setting}")
    if layered.tree.get("schema", SCHEMA) != SCHEMA:
        raise LatentclustError.at(
            "schema", f"{layered.tree['schema']!r} is not a known schema", f"Use schema = {SCHEMA}"
        )
    return LoadedRecipe(read_tables(layered.tree), layered)


def shipped_recipes() -> dict[str, Traversable]:
    """The recipes that travel with the package, by name."""
    installed = files("latentclust") / "recipes"
    # In a source checkout (or an editable install) they lie beside the package.
    folder: Traversable = installed if installed.is_dir() else Path(__file__).parents[2] / "recipes"
    found = sorted((item for item in folder.iterdir() if item.name.endswith(".toml")), key=lambda item: item.name)
    return {item.name.removesuffix(".toml"): item for item in found}


def _from_source(source: str | Path | Mapping[str, Any], registry: Registry) -> Layered:
    if isinstance(source, Mapping):
        return _based(_as_toml(source), GIVEN, registry, ())
    path = Path(source)
    if path.suffix == ".toml" or path.is_file():
        return _from_file(path, str(path), registry, ())
    shipped = shipped_recipes()
    if str(source) in shipped:
        return _from_file(shipped[str(source)], f"{source}.toml", registry, ())
    raise LatentclustError.at(str(source), "no such recipe", did_you_mean(str(source), shipped))


def _as_toml(source: Mapping[str, Any]) -> dict[str, Any]:
    """Python's tables as a file would give them: paths as strings, tuples as lists."""
    try:
        return tomllib.loads(tomli_w.dumps(json.loads(json.dumps(source, default=str))))
    except TypeError as error:
        raise LatentclustError.at(GIVEN, f"are not what TOML can hold ({error})", "Leave out what is None") from error


def _from_file(file: Traversable | Path, origin: str, registry: Registry, seen: tuple[str, ...]) -> Layered:
    """Reads one file and, under it, what it extends."""
    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise LatentclustError.at(
            origin, "no such file", "Check the path; `latentclust recipe list` shows what ships"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise LatentclustError.at(origin, f"cannot be read ({error})", "Give a readable UTF-8 TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise LatentclustError.at(origin, f"is not valid TOML: {error}", "Mend the syntax there") from error
    siblings = file.parent if isinstance(file, Path) else None
    return _based(tree, origin, registry, (*seen, _identity(file)), siblings)


def _identity(file: Traversable | Path) -> str:
    """The same for one file by whatever path."""
    return str(file.resolve() if isinstance(file, Path) else file)


def _based(
    tree: dict[str, Any], origin: str, registry: Registry, seen: tuple[str, ...], folder: Path | None = None
) -> Layered:
    """A recipe's own tables over those of what it extends."""
    base = tree.pop("extends", None)
    if base is None:
        return Layered().over(tree, origin)
    where = f"{origin}: extends"
    if not isinstance(base, str):
        raise LatentclustError.at(where, f"invalid value {base!r}", "Name a system or a recipe file in quotes")
    file, label = _base(base, where, registry, folder)
    if _identity(file) in seen:
        raise LatentclustError.at(where, f"the chain comes back to {base!r}", "Break the circle")
    return _from_file(file, label, registry, seen).over(tree, origin)


def _base(name: str, where: str, registry: Registry, folder: Path | None) -> tuple[Traversable | Path, str]:
    """What a recipe extends, and what to call it: a system by `NAME@VERSION`, a file beside it, or a shipped recipe."""
    if "@" in name:
        return registry.find("system", name, where).value, name
    file = (folder or Path()) / (name if name.endswith(".toml") else f"{name}.toml")
    if file.exists():
        return file, str(file)
    shipped = shipped_recipes()
    if name.removesuffix(".toml") in shipped:
        return shipped[name.removesuffix(".toml")], f"{name.removesuffix('.toml')}.toml"
    systems = [part.name for part in registry.parts("system")]
    raise LatentclustError.at(where, f"there is no system or recipe {name!r}", did_you_mean(name, [*systems, *shipped]))


def parse_setting(setting: str) -> dict[str, Any]:
    """`a.b=c` as nested tables."""
    key, equals, text = setting.partition("=")
    keys = [part.strip() for part in key.split(".")]
    if not equals or not all(keys):
        raise LatentclustError.at(f"--set {setting}", "this is not a setting", "Write --set table.key=value")
    try:
        value = tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    for part in reversed(keys):
        value = {part: value}
    return dict(value)
