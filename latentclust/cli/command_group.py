"""The group of all commands: the built-in ones, and those of plugins under a heading of their own."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from rich.markup import escape
from typer.core import TyperCommand, TyperGroup

from latentclust.cli.entry_point_scan import has_entry_points
from latentclust.cli.error_messages import interruption
from latentclust.cli.plugin_commands import PluginCommand, find_commands, refuse_ambiguous
from latentclust.plugins.distributions import COMMANDS_GROUP, Scan

HEADING = "Commands of plugins"


class LazyPluginCommand(TyperCommand):
    """A placeholder of a plugin's command, which loads the command and passes all arguments on when it is invoked."""

    def __init__(self, command: PluginCommand) -> None:
        """Use the summary of the distribution as the help line."""
        about = f"{command.distribution.summary} ({command.distribution.name})".strip()
        super().__init__(name=command.name, help=escape(about), rich_help_panel=HEADING)
        self.command = command

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Leave all arguments, `--help` too, to the command."""
        ctx.args = list(args)
        return list(args)

    def invoke(self, ctx: Any) -> None:
        """Run the command."""
        self.command.run(ctx.args)


class PluginGroup(TyperGroup):
    """A typer group that also has the commands of plugins."""

    @cached_property
    def found(self) -> tuple[Sequence[PluginCommand], Scan]:
        """Commands of plugins and the scan that found them. A built-in command keeps its name."""
        return find_commands(self.commands)

    def name_of(self, distribution: str, bare: str) -> str:
        """Return the name of a plugin's command on the command line, or its full name if it is not available."""
        full = f"{distribution}:{bare}"
        names = (one.name for one in self.found[0] if f"{one.distribution.name}:{one.base_name}" == full)
        return next(names, full)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the built-in commands, then those of plugins."""
        offered = self.found[0] if has_entry_points(COMMANDS_GROUP) else ()
        return [*map(str, super().list_commands(ctx)), *(command.name for command in offered)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a built-in command, or the placeholder of a plugin's command."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        return next((LazyPluginCommand(command) for command in self.found[0] if command.name == cmd_name), None)

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Raise InterruptedRunError if it is interrupted, which typer would not report."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            raise interruption(stop) from stop

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command to be invoked. Raise LatentclustError if its name is ambiguous or excluded."""
        if args and not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None:
            refuse_ambiguous(args[0], *self.found)
        return super().resolve_command(ctx, args)
