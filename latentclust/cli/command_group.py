"""The group of all commands: our own, and those of plugins under a heading of their own."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from rich.markup import escape
from typer.core import TyperCommand, TyperGroup

from latentclust.cli.entry_point_scan import has_entry_points
from latentclust.cli.plugin_commands import PluginCommand, find_commands, refuse_ambiguous
from latentclust.plugins.distributions import COMMANDS_GROUP, Scan

HEADING = "Commands of plugins"


class LazyPluginCommand(TyperCommand):
    """Stands for a plugin's command; invoked, it loads the command and hands over all its arguments."""

    def __init__(self, command: PluginCommand) -> None:
        """Takes its help line from the distribution's summary."""
        about = f"{command.distribution.summary} ({command.distribution.name})".strip()
        super().__init__(name=command.name, help=escape(about), rich_help_panel=HEADING)
        self.command = command

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Leaves all arguments, `--help` too, to the command."""
        ctx.args = list(args)
        return list(args)

    def invoke(self, ctx: Any) -> None:
        """Runs the command."""
        self.command.run(ctx.args)


class PluginGroup(TyperGroup):
    """A typer group that also has what entry points of the group `latentclust.commands` name."""

    @cached_property
    def found(self) -> tuple[Sequence[PluginCommand], Scan]:
        """What plugins offer; a built-in command keeps its name."""
        return find_commands(self.commands)

    def name_of(self, distribution: str, bare: str) -> str:
        """What a plugin's command answers to; of one that is not offered its full name, to which nothing answers."""
        full = f"{distribution}:{bare}"
        names = (one.name for one in self.found[0] if f"{one.distribution.name}:{one.base_name}" == full)
        return next(names, full)

    def list_commands(self, ctx: Any) -> list[str]:
        """Our own first."""
        offered = self.found[0] if has_entry_points(COMMANDS_GROUP) else ()
        return [*map(str, super().list_commands(ctx)), *(command.name for command in offered)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Our own, or what stands for a plugin's."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        return next((LazyPluginCommand(command) for command in self.found[0] if command.name == cmd_name), None)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """What is to be invoked; raises LatentclustError for a name that is in doubt."""
        if args and not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None:
            refuse_ambiguous(args[0], *self.found)
        return super().resolve_command(ctx, args)
