"""Writing of a new part into an existing distribution: a module, its test and its entry point."""

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from packaging.requirements import InvalidRequirement, Requirement
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from latentclust.cli.plugins.new_plugin import PREFIX, NewPlugin, check_new, toml_key
from latentclust.errors import LatentclustError, first_problem
from latentclust.files import write_atomic
from latentclust.plugins.distributions import PARTS_GROUP, canonical_name
from latentclust.plugins.registry import Registry

PROJECT = "pyproject.toml"

FIX = "Check who may write there"


def _requirement(line: str) -> str:
    try:
        Requirement(line)
    except InvalidRequirement as error:
        raise ValueError(f"{line!r} is no requirement") from error
    return line


class _ProjectTable(BaseModel):
    """Form of what is read of the table `project`."""

    dependencies: list[Annotated[str, AfterValidator(_requirement)]] = []
    entry_points: dict[str, dict[str, str]] = Field({}, alias="entry-points")


def write_part(kind: str, name: str, folder: Path, registry: Registry, commands: Collection[str]) -> tuple[str, ...]:
    """Write a new part into the folder of a distribution. Existing files do not change, except for pyproject.toml.

    Args:
        kind: Kind of the part, or `command`.
        name: Name of the part.
        folder: Folder with the pyproject.toml of the distribution.
        registry: Registry with the bundled parts, whose names are reserved.
        commands: Names of the existing commands, which are reserved.

    Returns:
        Name of the distribution, and the paths of the written files, relative to the folder.

    Raises:
        LatentclustError: If the kind or the name cannot be used, the folder is not a plugin, or a file exists.
    """
    text, tables = _project(folder)
    package = _package(folder, tables)
    plugin = NewPlugin(kind, name.removeprefix(PREFIX), package.name)
    check_new(plugin, name, registry, commands)
    source = package.relative_to(folder).as_posix()
    files = {
        f"{source}/{plugin.identifier}.py": plugin.source(),
        **plugin.toml_file(source),
        f"tests/test_{plugin.identifier}.py": plugin.test(),
    }
    for path in files:
        if (folder / path).exists():
            raise LatentclustError.at(str(folder / path), "already exists", "Choose another name")
    changed = _with_part(text, tables, plugin, folder / PROJECT)
    for path, content in files.items():
        write_atomic(folder / path, content, FIX)
    write_atomic(folder / PROJECT, changed, FIX)
    return (tables["project"]["name"], *files, PROJECT)


def _project(folder: Path) -> tuple[str, dict[str, Any]]:
    """Return the text and the tables of a pyproject.toml. Raise LatentclustError if there is none of a plugin."""
    file = folder / PROJECT
    try:
        text = file.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except (OSError, ValueError) as error:
        fix = "Name the folder of a plugin, or leave --into out for a distribution of its own"
        raise LatentclustError.at("--into", f"{file} cannot be read ({error})", fix) from error
    project = tables.get("project")
    if not isinstance(project, dict) or not isinstance(project.get("name"), str):
        raise LatentclustError.at("--into", f"{file} has no [project] with a name", "Name the folder of a plugin")
    try:
        _ProjectTable.model_validate(project)
    except ValidationError as error:
        what = f"[project] of {file} is invalid ({first_problem(error)})"
        raise LatentclustError.at("--into", what, "Correct it") from error
    return text, tables


def _package(folder: Path, tables: Mapping[str, Any]) -> Path:
    """Return the folder of the import package: that of the first entry point of parts, or that of the distribution."""
    points = tables["project"].get("entry-points", {}).get(PARTS_GROUP, {})
    modules = [str(target).partition(":")[0].partition(".")[0] for target in points.values()]
    names = [*modules, canonical_name(tables["project"]["name"]).replace("-", "_")]
    candidates = [folder / parent / name for name in names for parent in ("src", "")]
    found = next((path for path in candidates if (path / "__init__.py").is_file()), None)
    if found is None:
        what = f"there is no import package {' or '.join(map(str, candidates[-2:]))}"
        raise LatentclustError.at("--into", what, "Create it, or choose another folder")
    return found


def _with_part(text: str, tables: dict[str, Any], plugin: NewPlugin, file: Path) -> str:
    """Return the text of pyproject.toml with the entry point of a part and what its module requires.

    Raises:
        LatentclustError: If it has an entry point of that name, or is written in another form than usual.
    """
    project = tables["project"]
    points = project.setdefault("entry-points", {}).setdefault(plugin.group, {})
    if plugin.name in points:
        raise LatentclustError.at(str(file), f"has an entry point {plugin.name!r} already", "Choose another name")
    known = {canonical_name(Requirement(line).name) for line in project.get("dependencies", ())}
    missing = [line for line in plugin.dependencies() if canonical_name(Requirement(line).name) not in known]
    header = f"[project.entry-points.{toml_key(plugin.group)}]"
    line = f'{plugin.name} = "{plugin.target}"'
    changed = _with_dependencies(_with_line(text, header, line), missing)
    points[plugin.name] = plugin.target
    project["dependencies"] = [*missing, *project.get("dependencies", ())]
    if not _means(changed, tables):
        needed = f", and {', '.join(missing)} to its dependencies," if missing else ""
        fix = f"Add {line} below {header}{needed} and copy the files from a distribution of its own"
        raise LatentclustError.at(str(file), "is written in a form that cannot be changed safely", fix)
    return changed


def _with_line(text: str, header: str, line: str) -> str:
    """Return the text with a line below the header of a table, which is added if it is missing."""
    place = re.compile(rf"^{re.escape(header)}[ \t]*$", re.MULTILINE)
    if place.search(text):
        return place.sub(lambda found: f"{found[0]}\n{line}", text, count=1)
    return f"{text.rstrip()}\n\n{header}\n{line}\n"


def _with_dependencies(text: str, lines: Sequence[str]) -> str:
    """Return the text with requirements at the beginning of `dependencies`."""
    listed = "".join(f'"{one}", ' for one in lines)
    found = re.sub(r"^dependencies = \[", lambda head: head[0] + listed, text, count=1, flags=re.MULTILINE)
    return found.replace(f"{listed}]", f"{listed.removesuffix(', ')}]") if lines else text


def _means(text: str, tables: Mapping[str, Any]) -> bool:
    """Return whether a text is the TOML of tables."""
    try:
        return tomllib.loads(text) == tables
    except ValueError:
        return False
