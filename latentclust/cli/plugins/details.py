"""Details of a part, a command or a distribution for `latentclust plugins show`, as JSON-serializable dicts."""

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from latentclust.cli.plugin_commands import PluginCommand
from latentclust.cli.plugins.part_uses import find_uses
from latentclust.cli.shipped_recipes import description_of
from latentclust.errors import LatentclustError, did_you_mean
from latentclust.plugins.checks import FILES, PROVIDED
from latentclust.plugins.discovery import BrokenPlugin
from latentclust.plugins.distributions import Distribution, Scan, canonical_name
from latentclust.plugins.given import GivenPlugin
from latentclust.plugins.options import part_options
from latentclust.plugins.registry import Part, Registry
from latentclust.specs.parts import DatasetSpec

Details = dict[str, Any]

GIVEN = "none: it was given by a file or a module, and is not installed"
"""Requirement of a part that no distribution provides."""


def collect_details(registry: Registry, scan: Scan, commands: Sequence[PluginCommand], name: str) -> list[Details]:
    """Return the details of all parts, commands and distributions that have a name, bare or `distribution:name`.

    Raises:
        LatentclustError: If nothing that is installed has the name.
    """
    parts = [part for kind in PROVIDED for part in registry.parts(kind)]
    installed = [*scan.used, *scan.excluded]
    found = [
        *(
            part_details(registry, scan, part)
            for part in parts
            if _matches(part.name, part.provider.distribution, name)
        ),
        *(command_details(one) for one in commands if _matches(one.base_name, one.distribution.name, name)),
        *(broken_details(one) for one in registry.broken if _matches(one.name, one.provider.distribution, name)),
        *(
            distribution_details(registry, one, commands, one in scan.excluded)
            for one in installed
            if canonical_name(one.name) == canonical_name(name)
        ),
        *(given_details(registry, one) for one in registry.given if one.name == name),
    ]
    if found:
        return found
    known = {*(part.name for part in parts), *(command.name for command in commands), *(one.name for one in installed)}
    known |= {one.name for one in registry.given}
    raise LatentclustError.at("NAME", f"unknown part, command or plugin {name!r}", did_you_mean(name, known))


def summary(part: Part) -> str:
    """Return one line about a part: from a data set's summary, a system's description or a docstring."""
    if isinstance(part.value, type) and issubclass(part.value, DatasetSpec):
        return part.value.summary
    return description_of(part.value) if part.kind in FILES else part.summary


def part_entry(registry: Registry, part: Part) -> Details:
    """Return the entry of a part in `plugins list`."""
    return {
        "kind": part.kind,
        "name": registry.recipe_name(part),
        "provider": part.provider.distribution,
        "version": part.provider.version,
        "summary": summary(part),
        "options": [asdict(option) for option in part_options(part.value)],
    }


def part_details(registry: Registry, scan: Scan, part: Part) -> Details:
    """Return all details of a part."""
    used = find_uses(registry, part)
    owner = next((one for one in scan.used if one.name == part.provider.distribution), None)
    return {
        **part_entry(registry, part),
        "qualified": part.qualified,
        "entry_point": part.provider.entry_point,
        "requirement": requirement(owner) if owner else GIVEN,
        "source": _source(part),
        "description": inspect.getdoc(part.value) or "" if callable(part.value) else "",
        "recipes": list(used.recipes),
        "systems": list(used.systems),
    }


def command_entry(command: PluginCommand) -> Details:
    """Return the entry of a command in `plugins list`."""
    return {
        "kind": "command",
        "name": command.name,
        "provider": command.distribution.name,
        "version": command.distribution.version,
        "summary": command.distribution.summary,
    }


def command_details(command: PluginCommand) -> Details:
    """Load a command and return all its details."""
    _, error, remarks = command.try_load()
    return {
        **command_entry(command),
        "qualified": f"{command.distribution.name}:{command.base_name}",
        "entry_point": f"{command.base_name} = {command.entry.value}",
        "requirement": requirement(command.distribution),
        "clash": command.conflict,
        "remarks": remarks,
        "error": error,
    }


def broken_details(broken: BrokenPlugin) -> Details:
    """Return the details of a part, a command or an entry point that cannot be used."""
    return {
        "kind": broken.kind,
        "name": broken.name,
        "provider": broken.provider.distribution,
        "version": broken.provider.version,
        "entry_point": broken.provider.entry_point,
        "error": broken.error,
    }


def distribution_details(
    registry: Registry, distribution: Distribution, commands: Sequence[PluginCommand], excluded: bool
) -> Details:
    """Return all details of a distribution."""
    own = distribution.name
    return {
        "kind": "distribution",
        "name": own,
        "version": distribution.version,
        "summary": distribution.summary,
        "requirement": requirement(distribution),
        "folder": distribution.folder,
        "left_out": excluded,
        "entry_points": [f"[{one.group}] {one.provider.entry_point} = {one.value}" for one in distribution.entries],
        "parts": [part_entry(registry, part) for part in _parts_of(registry, own)],
        "commands": [command_details(one) for one in commands if one.distribution.name == own],
        "broken": [broken_details(one) for one in registry.broken if one.provider.distribution == own],
        "remarks": [one.text for one in registry.remarks if one.provider.distribution == own],
        "import_seconds": {
            one.provider.entry_point: round(one.seconds, 3)
            for one in registry.loaded
            if one.provider.distribution == own
        },
    }


def given_details(registry: Registry, plugin: GivenPlugin) -> Details:
    """Return all details of a plugin that was given by a file or a module."""
    return {
        "kind": plugin.form,
        "name": plugin.name,
        "version": plugin.provider.version,
        "sha256": plugin.sha256,
        "requirement": GIVEN,
        "parts": [part_entry(registry, part) for part in _parts_of(registry, plugin.name)],
        "remarks": [one.text for one in registry.remarks if one.provider == plugin.provider],
    }


def requirement(distribution: Distribution) -> str:
    """Return the requirement of a distribution on latentclust, and whether it is met, as text."""
    from latentclust import __version__
    from latentclust.plugins.compatibility import check_version

    return (
        f"is latentclust {__version__} itself"
        if distribution.bundled
        else str(check_version(distribution, __version__))
    )


def _parts_of(registry: Registry, distribution: str) -> Iterator[Part]:
    return (part for kind in PROVIDED for part in registry.parts(kind) if part.provider.distribution == distribution)


def _matches(name: str, distribution: str, wanted: str) -> bool:
    """Return whether `wanted` is `name` or `distribution:name`."""
    owner, _, bare = wanted.rpartition(":")
    return bool(name) and bare == name and canonical_name(owner) in ("", canonical_name(distribution))


def _source(part: Part) -> str:
    """Return file and line of the code of a part, or the file of a system."""
    if part.kind in FILES:
        return str(part.value)
    try:
        return f"{inspect.getsourcefile(part.value)}:{inspect.getsourcelines(part.value)[1]}"
    except (OSError, TypeError):  # a plugin may be installed without source
        return ""
