"""Writing of a new plugin: a distribution with one small working part, its tests and its pyproject.toml."""

import ast
import keyword
import re
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions, requires, version
from importlib.resources import files
from pathlib import Path
from string import Template

from packaging.requirements import Requirement
from packaging.version import Version

from latentclust.assemble.recipe_checks import MAP_ROLES, ROLES
from latentclust.assemble.step_plan import ENGINE_VALUES
from latentclust.errors import LatentclustError, did_you_mean
from latentclust.plugins.checks import FILES, PROVIDED, RECIPE
from latentclust.plugins.distributions import BUNDLED, COMMANDS_GROUP, PARTS_GROUP, canonical_name
from latentclust.plugins.registry import Part, Registry
from latentclust.recipe.load import shipped_recipes

COMMAND = "command"

PREFIX = "latentclust-"

CONFORMANCE = "conformance"
"""Name of the test module that every new plugin has."""

_IMPORTS = (ast.Import, ast.ImportFrom)

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

TEMPLATES = "templates"
"""Folder next to this file, with one folder per kind and the files that all kinds share."""


@dataclass(frozen=True, slots=True)
class NewPlugin:
    """A plugin to be written, with the names that occur in its files."""

    kind: str
    name: str
    into: str = ""
    """Import package of an existing distribution that gets the part. Empty for a distribution of its own."""

    @property
    def distribution(self) -> str:
        """Name of the distribution, `latentclust-NAME`."""
        return PREFIX + self.name

    @property
    def package(self) -> str:
        """Name of the import package."""
        return self.into or self.distribution.replace("-", "_")

    @property
    def module(self) -> str:
        """Name of the module with the part: the package itself, or one in an existing package."""
        return f"{self.into}.{self.identifier}" if self.into else self.package

    @property
    def identifier(self) -> str:
        """Name of the part as a Python function."""
        return self.name.replace("-", "_")

    @property
    def class_name(self) -> str:
        """Name of the part as a Python class."""
        return "".join(word.capitalize() for word in self.name.split("-"))

    def files(self) -> dict[str, str]:
        """Return the content of each file by its path in the folder of the distribution."""
        source = self.source()
        return {
            "pyproject.toml": self._filled("pyproject.toml.in", self._project(source)),
            "README.md": self._filled("README.md.in", {"summary": _summary(source), "use": self._use()}),
            f"src/{self.package}/__init__.py": source,
            f"src/{self.package}/py.typed": "",
            **self.toml_file(f"src/{self.package}"),
            f"tests/test_{CONFORMANCE}.py": self._filled("test_conformance.py.in"),
            f"tests/test_{self.identifier}.py": self.test(),
        }

    def source(self) -> str:
        """Return the module with the part."""
        return self._filled(f"{self.kind}/module.py.in")

    def test(self) -> str:
        """Return the test of the part."""
        return self._filled(f"{self.kind}/test.py.in")

    def toml_file(self, folder: str) -> dict[str, str]:
        """Return the file of a system or a recipe by its path. Empty for other kinds."""
        return {f"{folder}/{self.name}.toml": self._filled(f"{self.kind}/file.toml.in")} if self.kind in FILES else {}

    @property
    def group(self) -> str:
        """Group of the entry point."""
        return COMMANDS_GROUP if self.kind == COMMAND else PARTS_GROUP

    @property
    def target(self) -> str:
        """Value of the entry point."""
        return f"{self.module}:{self.identifier}" if self.kind == COMMAND else self.module

    def dependencies(self) -> list[str]:
        """Return the requirements of the module, latentclust first."""
        return [_bound(version(BUNDLED)), *_requirements(self.source())]

    def recipe(self) -> str:
        """Return a recipe that uses the part. Empty for a command."""
        return "" if self.kind == COMMAND else self._filled(f"{self.kind}/recipe.toml.in")

    def _use(self) -> str:
        """Return the section of the README about how to use the part."""
        if self.kind == COMMAND:
            return f"Its command:\n\n```\nlatentclust {self.name} clusters.csv\n```"
        return f"A recipe that uses it:\n\n```toml\n{self.recipe()}```"

    def _project(self, source: str) -> dict[str, str]:
        """Return the values of pyproject.toml in addition to the names."""
        return {
            "summary": _summary(source),
            "dependencies": ", ".join(f'"{line}"' for line in self.dependencies()),
            "group": toml_key(self.group),
            "target": self.target,
        }

    def _filled(self, template: str, more: Mapping[str, str] | None = None) -> str:
        text = (files("latentclust.cli.plugins") / TEMPLATES / template).read_text(encoding="utf-8")
        names = {
            "kind": self.kind,
            "name": self.name,
            "distribution": self.distribution,
            "module": self.module,
            "package": self.package,
            "identifier": self.identifier,
            "Class": self.class_name,
        }
        return Template(text).substitute(names | dict(more or {}))


def write_plugin(kind: str, name: str, out: Path, registry: Registry, commands: Collection[str]) -> Path:
    """Write a new distribution into a new folder.

    Args:
        kind: Kind of the part, or `command`.
        name: Name of the part. The distribution is named `latentclust-NAME`; the prefix may be included.
        out: Parent of the new folder.
        registry: Registry with the bundled parts, whose names are reserved.
        commands: Names of the existing commands, which are reserved.

    Returns:
        The new folder.

    Raises:
        LatentclustError: If the kind is unknown, the name is invalid or reserved, or the folder exists.
    """
    plugin = NewPlugin(kind, name.removeprefix(PREFIX))
    check_new(plugin, name, registry, commands)
    folder = out / plugin.distribution
    if folder.exists():
        raise LatentclustError.at(str(folder), "already exists", "Choose another name, or another folder with --out")
    if not out.is_dir():
        raise LatentclustError.at("--out", f"folder {out} does not exist", "Create it, or choose another folder")
    with tempfile.TemporaryDirectory(dir=out, prefix=f".{plugin.distribution}-") as unfinished:
        whole = Path(unfinished) / plugin.distribution
        for path, text in plugin.files().items():
            (whole / path).parent.mkdir(parents=True, exist_ok=True)
            (whole / path).write_text(text, encoding="utf-8")
        whole.rename(folder)
    return folder


def check_new(plugin: NewPlugin, given: str, registry: Registry, commands: Collection[str]) -> None:
    """Raise LatentclustError if the kind is unknown, or the name is invalid or reserved.

    Args:
        plugin: The plugin.
        given: Name as the user gave it.
        registry: Registry with the bundled parts, whose names are reserved.
        commands: Names of the existing commands, which are reserved.
    """
    kinds = (*PROVIDED, COMMAND)
    if plugin.kind not in kinds:
        raise LatentclustError.at("KIND", f"unknown kind {plugin.kind!r}", did_you_mean(plugin.kind, kinds))
    if not NAME.fullmatch(plugin.name):
        raise LatentclustError.at(
            "NAME", f"{given!r} is not a valid name", "Use lower-case words and hyphens, such as my-loss"
        )
    if keyword.iskeyword(plugin.identifier) or keyword.iskeyword(plugin.class_name):
        raise LatentclustError.at("NAME", f"{plugin.name!r} is a Python keyword", "Choose another, such as my-loss")
    if plugin.name == CONFORMANCE or {plugin.identifier, plugin.class_name} & _words(plugin.kind):
        what = f"{plugin.name!r} is already used in the code of a new {plugin.kind}"
        raise LatentclustError.at("NAME", what, f"Choose another, such as my-{plugin.name}")
    shipped = shipped_recipes() if plugin.kind == RECIPE else ()
    taken = {part.name.partition("@")[0] for part in _bundled(registry, plugin.kind)} | set(shipped)
    if plugin.name in (commands if plugin.kind == COMMAND else taken | {name.replace("_", "-") for name in taken}):
        what = f"latentclust already has a {plugin.kind} named {plugin.name!r}"
        raise LatentclustError.at("NAME", what, "Choose another")


def _words(kind: str) -> set[str]:
    """Return all names that the code of any new plugin of a kind uses, and those of the training engine."""
    code = "\n".join(text for path, text in NewPlugin(kind, "q-q-q").files().items() if path.endswith(".py"))
    nodes = list(ast.walk(ast.parse(code)))
    names = {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.arg for node in nodes if isinstance(node, ast.arg)
    }
    imported = {each.asname or each.name for node in nodes if isinstance(node, _IMPORTS) for each in node.names}
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    own = {*ENGINE_VALUES, *ROLES, *MAP_ROLES} if kind == "quantity" else set()
    return names | imported | defined | own


def _bundled(registry: Registry, kind: str) -> Iterator[Part]:
    return (part for part in registry.parts(kind) if part.bundled)


def toml_key(name: str) -> str:
    """Return a name as a key of TOML, in quotes if it has a dot."""
    return f'"{name}"' if "." in name else name


def _summary(source: str) -> str:
    """Return the first line of a module's docstring."""
    return source.partition("\n")[0].strip('"')


def _bound(installed: str) -> str:
    """Return a requirement on latentclust: this version or a later compatible one."""
    now = Version(installed)
    following = f"{now.major + 1}" if now.major else f"0.{now.minor + 1}"
    least = now.public if now.is_prerelease else now.base_version
    return f"{BUNDLED}>={least},<{following}"


@cache
def _owners() -> Mapping[str, list[str]]:
    """Return the distributions of each import package. All files of the environment are read for it."""
    return packages_distributions()


def _requirements(source: str) -> list[str]:
    """Return the requirements of latentclust that cover the other imports of a module."""
    modules = set(re.findall(r"^(?:from|import) (\w+)", source, re.MULTILINE)) - set(sys.stdlib_module_names)
    owners = _owners()
    wanted = {canonical_name(name) for module in modules - {BUNDLED} for name in owners.get(module, [module])}
    stated = [Requirement(line) for line in requires(BUNDLED) or []]
    return sorted(
        f"{one.name}{one.specifier}" for one in stated if canonical_name(one.name) in wanted and not one.marker
    )
