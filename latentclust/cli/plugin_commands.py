"""Commands of plugins, found by the metadata of their distributions and imported when they are invoked."""

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
"""Pattern of the name of a command. A colon would separate the name of a distribution."""

COMPLETION = ("install_completion", "show_completion")
"""Options that typer adds to every app. Only the app of latentclust keeps them."""


@dataclass(frozen=True, slots=True)
class PluginCommand:
    """A command that a distribution provides.

    Attributes:
        name: Name on the command line: its base name, or `distribution:name` if the base name is not available.
        conflict: Reason why the base name is not available. Empty if it is.
    """

    name: str
    entry: EntryPoint
    distribution: Distribution
    conflict: str = ""

    @property
    def base_name(self) -> str:
        """Name that its distribution gives it."""
        return self.entry.provider.entry_point

    def load(self) -> Any:
        """Import the command, an object of typer or click.

        Raises:
            RunFailedError: If its distribution is incompatible with this latentclust, or its import fails.
        """
        command, error, _ = self.try_load()
        if not error:
            return command
        what = f"cannot be loaded from {self.entry.provider}: {error}"
        fix = f"Fix or update {self.distribution.name}, and check it with `latentclust plugins list command`"
        raise RunFailedError.at(f"command {self.name}", what, fix)

    def try_load(self) -> tuple[Any, str, list[str]]:
        """Return the command or None, the reason why it cannot be loaded, and remarks."""
        from latentclust import __version__
        from latentclust.plugins.compatibility import incompatibility
        from latentclust.plugins.containment import run_contained

        refused = incompatibility(self.distribution, __version__)
        if refused:
            return None, refused, []
        what = f"command {self.name} of {self.distribution}"
        command, execution = run_contained(lambda: to_command(self.entry.load(), self.base_name), what)
        return command, execution.error, execution.remarks

    def run(self, arguments: Sequence[str]) -> None:
        """Run the command as a program that ends with its exit code. Its exceptions are raised."""
        self.load().main(args=list(arguments), prog_name=f"latentclust {self.name}")


def to_command(value: Any, name: str) -> Any:
    """Return the object of an entry point as a command. It is a typer app, a command of typer or click, or a function.

    Raises:
        TypeError: If the object is anything else.
    """
    if isinstance(value, _command_types()):
        return value
    app = value
    if inspect.isroutine(value):
        app = typer.Typer(add_completion=False)
        app.command(name)(value)
    if not isinstance(app, typer.Typer):
        raise TypeError(f"{type(value).__name__} is not a typer app, click command or function")
    command = typer.main.get_command(app)
    command.params = [parameter for parameter in command.params if parameter.name not in COMPLETION]
    return command


def _command_types() -> tuple[type, ...]:
    """Return the classes of commands of typer, and that of click, on which later versions of typer do not build."""
    from typer.core import TyperCommand, TyperGroup

    try:
        import click
    except ImportError:
        return TyperCommand, TyperGroup
    return TyperCommand, TyperGroup, click.Command


def plugin_commands(scan: Scan, built_in: Collection[str]) -> list[PluginCommand]:
    """Return the commands of the distributions that are used, sorted by name. Invalid names are left out."""
    pairs = [(entry, one) for one in scan.used for entry in one.of(COMMANDS_GROUP) if not name_problem(entry)]
    found = []
    for entry, distribution in pairs:
        base_name = entry.provider.entry_point
        owners = [other.name for another, other in pairs if another.provider.entry_point == base_name]
        conflict = "latentclust has one of that name" if base_name in built_in else ""
        if not conflict and len(owners) > 1:
            conflict = f"{' and '.join(owners)} each have one of that name"
        name = f"{distribution.name}:{base_name}" if conflict else base_name
        found.append(PluginCommand(name, entry, distribution, conflict))
    return sorted(found, key=lambda command: command.name)


def name_problem(entry: EntryPoint) -> str:
    """Return why the name of an entry point is not valid for a command, or an empty string."""
    name = entry.provider.entry_point
    return "" if NAME.fullmatch(name) else f"{name!r} is not a valid name of a command: it must match {NAME.pattern}"


def refuse_ambiguous(name: str, commands: Sequence[PluginCommand], scan: Scan) -> None:
    """Raise LatentclustError if several plugins provide a command of this name, or an excluded one does."""
    claims = [command for command in commands if command.base_name == name and command.name != name]
    if claims:
        what = f"{' and '.join(str(command.distribution) for command in claims)} have a command of that name"
        raise LatentclustError.at(
            f"command {name}", what, f"Write {' or '.join(command.name for command in claims)} to choose"
        )
    for one in scan.excluded:
        if name in {entry.provider.entry_point for entry in one.of(COMMANDS_GROUP)}:
            what = f"is provided by {one}, which {PLUGINS_VARIABLE} excludes"
            raise LatentclustError.at(f"command {name}", what, f"Unset {PLUGINS_VARIABLE}, or add {one.name} to it")


def find_commands(built_in: Collection[str]) -> tuple[list[PluginCommand], Scan]:
    """Return the commands of the installed plugins, and the scan that found them."""
    scan = scan_distributions()
    return plugin_commands(scan, built_in), scan
