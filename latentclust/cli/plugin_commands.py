"""Commands of plugins: listed by their distributions' metadata, imported when they are invoked."""

import inspect
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import typer

from latentclust.errors import LatentclustError, RunFailedError
from latentclust.plugins.distributions import (
    COMMANDS_GROUP,
    PLUGINS_VARIABLE,
    Distribution,
    EntryPoint,
    Scan,
    scan_distributions,
)

NAME = re.compile(r"[A-Za-z0-9][\w-]*")
"""What the name of a command looks like; a colon would read as a distribution's name."""

COMPLETION = ("install_completion", "show_completion")
"""Options that typer adds to an app of its own, and which only latentclust's has."""


@dataclass(frozen=True, slots=True)
class PluginCommand:
    """A command that a distribution lists.

    Attributes:
        name: What it answers to: its own name, or `distribution:name` where that is another's.
        clash: Whose its own name is; empty where it is its own.
    """

    name: str
    entry: EntryPoint
    distribution: Distribution
    conflict: str = ""

    @property
    def base_name(self) -> str:
        """The name that its distribution gives it."""
        return self.entry.provider.entry_point

    def load(self) -> Any:
        """The command itself, typer's or click's.

        Raises:
            RunFailedError: where its distribution does not suit this latentclust, or its import fails.
        """
        command, error, _ = self.try_load()
        if not error:
            return command
        what = f"{self.entry.provider} provides it, and it cannot be loaded: {error}"
        fix = f"Mend or update {self.distribution.name}; `latentclust plugins list command` tells when it works"
        raise RunFailedError.at(f"command {self.name}", what, fix)

    def try_load(self) -> tuple[Any, str, list[str]]:
        """The command or None, why it cannot be loaded, and what is odd about it."""
        from latentclust import __version__
        from latentclust.plugins.compatibility import incompatibility
        from latentclust.plugins.containment import run_contained

        refused = incompatibility(self.distribution, __version__)
        if refused:
            return None, refused, []
        what = f"command {self.name} of {self.distribution}"
        command, conduct = run_contained(lambda: to_command(self.entry.load(), self.base_name), what)
        return command, conduct.error, conduct.remarks

    def run(self, arguments: Sequence[str]) -> None:
        """Runs it as a program of its own, which ends with its exit code; its exceptions pass."""
        self.load().main(args=list(arguments), prog_name=f"latentclust {self.name}")


def to_command(value: Any, name: str) -> Any:
    """What an entry point names as a command: a typer app, a command of typer's or click's, or a function.

    Raises:
        TypeError: Anything else.
    """
    if isinstance(value, _command_types()):
        return value
    app = value
    if inspect.isroutine(value):
        app = typer.Typer(add_completion=False)
        app.command(name)(value)
    if not isinstance(app, typer.Typer):
        raise TypeError(f"{type(value).__name__} is no typer app, click command or function")
    command = typer.main.get_command(app)
    command.params = [parameter for parameter in command.params if parameter.name not in COMPLETION]
    return command


def _command_types() -> tuple[type, ...]:
    """The classes of commands: typer's, and those of click, which later typers no longer build on."""
    from typer.core import TyperCommand, TyperGroup

    try:
        import click
    except ImportError:
        return TyperCommand, TyperGroup
    return TyperCommand, TyperGroup, click.Command


def plugin_commands(scan: Scan, built_in: Collection[str]) -> list[PluginCommand]:
    """The commands of the distributions that are used, by name; those of misnamed entry points are left out."""
    pairs = [(entry, one) for one in scan.used for entry in one.of(COMMANDS_GROUP) if not name_problem(entry)]
    found = []
    for entry, distribution in pairs:
        base_name = entry.provider.entry_point
        owners = [other.name for another, other in pairs if another.provider.entry_point == base_name]
        conflict = "latentclust has one of that name" if base_name in built_in else ""
        if not conflict and len(owners) > 1:
            conflict = f"{' and '.join(owners)} have one of that name each"
        name = f"{distribution.name}:{base_name}" if conflict else base_name
        found.append(PluginCommand(name, entry, distribution, conflict))
    return sorted(found, key=lambda command: command.name)


def name_problem(entry: EntryPoint) -> str:
    """Why an entry point's name is no name of a command; empty where it is one."""
    name = entry.provider.entry_point
    return "" if NAME.fullmatch(name) else f"{name!r} is no name of a command: {NAME.pattern} is asked for"


def refuse_ambiguous(name: str, commands: Sequence[PluginCommand], scan: Scan) -> None:
    """Raises LatentclustError where a name is that of several plugins' commands, or of one that is left out."""
    claims = [command for command in commands if command.base_name == name and command.name != name]
    if claims:
        what = f"{' and '.join(str(command.distribution) for command in claims)} have a command of that name"
        raise LatentclustError.at(
            f"command {name}", what, f"Write {' or '.join(command.name for command in claims)} to choose"
        )
    for one in scan.excluded:
        if name in {entry.provider.entry_point for entry in one.of(COMMANDS_GROUP)}:
            what = f"{one} provides it, and {PLUGINS_VARIABLE} leaves that out"
            raise LatentclustError.at(f"command {name}", what, f"Unset {PLUGINS_VARIABLE}, or add {one.name} to it")


def find_commands(built_in: Collection[str]) -> tuple[list[PluginCommand], Scan]:
    """The commands of the plugins that are installed, and the scan that they are from."""
    scan = scan_distributions()
    return plugin_commands(scan, built_in), scan
