"""From a path, a shipped name or a table to a recipe with its bases and settings merged."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import tomli_w

from latentclust.errors import LatentclustError, did_you_mean, raise_all
from latentclust.recipe.merge import Layered
from latentclust.recipe.salvage import Tables, read_tables
from latentclust.recipe.schema import SCHEMA, Recipe
from latentclust.registry import Registry

VARIANT_DIGITS = 12


@dataclass(frozen=True, slots=True)
class LoadedRecipe:
    """A recipe with its resolved text.

    Attributes:
        tables: What could be read, and the issues of the tables themselves; `resolve` raises them beside its own.
        layered: The merged tables with the origin of each value.
    """

    tables: Tables
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
        return hashlib.sha256(tomli_w.dumps(tree).encode()).hexdigest()[:VARIANT_DIGITS]


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
        return _based(dict(source), "the given tables", registry, ())
    path = Path(source)
    if path.suffix == ".toml" or path.exists():
        return _from_file(path, str(path), registry, ())
    shipped = shipped_recipes()
    if str(source) in shipped:
        return _from_file(shipped[str(source)], f"{source}.toml", registry, ())
    raise LatentclustError.at(str(source), "no such recipe", did_you_mean(str(source), shipped))


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
    return _based(tree, origin, registry, (*seen, origin), siblings)


def _based(
    tree: dict[str, Any], origin: str, registry: Registry, seen: tuple[str, ...], folder: Path | None = None
) -> Layered:
    """A recipe's own tables over those of what it extends."""
    base = tree.pop("extends", None)
    if base is None:
        return Layered().over(tree, origin)
    if not isinstance(base, str):
        raise LatentclustError.at(
            f"{origin}: extends", f"{base!r} is refused", "Name a system or a recipe file in quotes"
        )
    return _base(base, origin, registry, seen, folder).over(tree, origin)


def _base(name: str, origin: str, registry: Registry, seen: tuple[str, ...], folder: Path | None) -> Layered:
    """What a recipe extends: a system by `NAME@VERSION`, a file beside it, or a shipped recipe."""
    where = f"{origin}: extends"
    if "@" in name:
        return _from_file(registry.find("system", name, where).value, name, registry, seen)
    file = (folder or Path()) / (name if name.endswith(".toml") else f"{name}.toml")
    shipped = shipped_recipes()
    target: Traversable | Path | None = file if file.exists() else shipped.get(name.removesuffix(".toml"))
    if target is None:
        systems = [part.name for part in registry.parts("system")]
        raise LatentclustError.at(
            where, f"there is no system or recipe {name!r}", did_you_mean(name, [*systems, *shipped])
        )
    label = str(target)
    if label in seen or name in seen:
        raise LatentclustError.at(where, f"the chain comes back to {name!r}", "Break the circle")
    return _from_file(target, label, registry, seen)


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
