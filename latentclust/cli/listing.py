"""What `latentclust plugins list` prints: parts, commands, and what of plugins is broken or odd."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from latentclust.cli.plugin_commands import PluginCommand, name_problem
from latentclust.cli.plugin_details import Sheet, broken_sheet, command_line, part_line
from latentclust.cli.terminal import print_heading
from latentclust.plugins.discovery import BrokenPlugin, PluginRemark
from latentclust.plugins.distributions import COMMANDS_GROUP, PLUGINS_VARIABLE, Provider, Scan
from latentclust.plugins.options import PartOption
from latentclust.plugins.registry import Registry

COMMAND = "command"
"""What plugins also provide, beside the kinds of parts."""


def listing(registry: Registry, kinds: Sequence[str], commands: Sequence[PluginCommand], scan: Scan) -> Sheet:
    """Everything of some kinds, and every plugin that is broken, odd or left out; loads commands where they are listed.

    Attributes of a part or a command are its kind, the name it answers to, who provides it and what it is.
    """
    wanted = commands if COMMAND in kinds else ()
    offered, broken, remarks = _tried(wanted)
    if COMMAND in kinds:
        entries = [entry for one in scan.used for entry in one.of(COMMANDS_GROUP)]
        broken += [BrokenPlugin(entry.provider, name_problem(entry)) for entry in entries if name_problem(entry)]
    return {
        "parts": [part_line(registry, part) for kind in kinds if kind != COMMAND for part in registry.parts(kind)],
        "commands": [command_line(command) for command in offered],
        "broken": [broken_sheet(one) for one in (*registry.broken, *broken)],
        "remarks": [_remark(one) for one in (*registry.remarks, *remarks)],
        "left_out": [{"provider": one.name, "version": one.version} for one in scan.excluded],
        "alerts": list(registry.alerts),
    }


def _tried(commands: Sequence[PluginCommand]) -> tuple[list[PluginCommand], list[BrokenPlugin], list[PluginRemark]]:
    """The commands that load, those that do not, and what is odd about either."""
    offered, broken, remarks = [], [], []
    for command in commands:
        provider = command.entry.provider
        _, error, odd = command.try_load()
        if error:
            broken.append(BrokenPlugin(provider, f"command {command.base_name!r}: {error}", COMMAND, command.base_name))
        else:
            offered.append(command)
        if command.conflict:
            odd = [*odd, f"command {command.base_name!r} answers to {command.name} only: {command.conflict}"]
        remarks += [PluginRemark(provider, text) for text in odd]
    return offered, broken, remarks


def _remark(remark: PluginRemark) -> Sheet:
    return {**_provider(remark.provider), "remark": remark.text}


def _provider(provider: Provider) -> dict[str, Any]:
    return {
        "provider": provider.distribution,
        "version": provider.version,
        "entry_point": provider.entry_point,
    }


def print_listing(console: Console, found: Sheet, kinds: Sequence[str]) -> None:
    """The same, for people: a kind after another, and the problems last."""
    for kind in kinds:
        lines = [line for line in (*found["parts"], *found["commands"]) if line["kind"] == kind]
        if lines or kind != COMMAND:
            print_heading(console, kind)
        for line in lines:
            print_part(console, line)
    _print_problems(console, "remarks on plugins", [_told(one, one["remark"]) for one in found["remarks"]])
    _print_problems(console, "broken plugins", [_told(one, one["error"]) for one in found["broken"]])
    excluded = [f"{one['provider']} {one['version']}" for one in found["left_out"]]
    _print_problems(console, f"left out by {PLUGINS_VARIABLE}", excluded)


def print_part(console: Console, line: Sheet) -> None:
    """A part or a command in a line, and its options below."""
    provider = f"  ({line['provider']} {line['version']})"
    text = Text.assemble("  ", (line["name"], "cyan"), f"  {line['summary']}", (provider, "dim"))
    console.print(text, soft_wrap=True)
    print_options(console, line.get("options", []))


def print_options(console: Console, options: Sequence[dict[str, Any]]) -> None:
    """Options with type and default, each with what it does."""
    for told in options:
        option = PartOption(**told)
        console.print(f"      {option}", style="dim", markup=False, soft_wrap=True)
        if option.description:
            console.print(f"          {option.description}", style="dim italic", markup=False, soft_wrap=True)


def _print_problems(console: Console, title: str, lines: Sequence[str]) -> None:
    if lines:
        print_heading(console, title)
    for line in lines:
        console.print(f"  {line}", markup=False, soft_wrap=True)


def _told(one: Sheet, words: str) -> str:
    """Distribution with version, entry point, and what is wrong."""
    point = f", entry point {one['entry_point']}" if one["entry_point"] else ""
    return f"{one['provider']} {one['version']}{point}: {words}"
