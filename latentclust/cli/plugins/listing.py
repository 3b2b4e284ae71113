"""Content and text output of `latentclust plugins list`: parts, commands, and problems of plugins."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from latentclust.cli.plugin_commands import PluginCommand, name_problem
from latentclust.cli.plugins.details import Details, broken_details, command_entry, part_entry
from latentclust.cli.terminal import print_heading
from latentclust.plugins.discovery import BrokenPlugin, PluginRemark
from latentclust.plugins.distributions import COMMANDS_GROUP, PLUGINS_VARIABLE, Provider, Scan
from latentclust.plugins.options import PartOption
from latentclust.plugins.registry import KINDS, Registry

COMMAND = "command"
"""Kind of the commands, which plugins provide in addition to parts."""


def listing(registry: Registry, kinds: Sequence[str], commands: Sequence[PluginCommand], scan: Scan) -> Details:
    """Return the parts and commands of some kinds, and all plugins that are broken, excluded or have remarks.

    Commands are loaded if they are listed. An entry has the kind, the name in a recipe or on the command line, the
    provider and a summary.
    """
    wanted = commands if COMMAND in kinds else ()
    loaded, broken, remarks = _load_commands(wanted)
    if COMMAND in kinds:
        entries = [entry for one in scan.used for entry in one.of(COMMANDS_GROUP)]
        broken += [BrokenPlugin(entry.provider, name_problem(entry)) for entry in entries if name_problem(entry)]
    return {
        "parts": [part_entry(registry, part) for kind in kinds if kind != COMMAND for part in registry.parts(kind)],
        "commands": [command_entry(command) for command in loaded],
        "broken": [broken_details(one) for one in (*registry.broken, *broken)],
        "remarks": [_remark(one) for one in (*registry.remarks, *remarks)],
        "left_out": [{"provider": one.name, "version": one.version} for one in scan.excluded],
        "alerts": list(registry.alerts),
    }


def _load_commands(
    commands: Sequence[PluginCommand],
) -> tuple[list[PluginCommand], list[BrokenPlugin], list[PluginRemark]]:
    """Return the commands that load, those that do not, and remarks on both."""
    loaded, broken, remarks = [], [], []
    for command in commands:
        provider = command.entry.provider
        _, error, texts = command.try_load()
        if error:
            broken.append(BrokenPlugin(provider, f"command {command.base_name!r}: {error}", COMMAND, command.base_name))
        else:
            loaded.append(command)
        if command.conflict:
            texts = [*texts, f"command {command.base_name!r} is available as {command.name} only: {command.conflict}"]
        remarks += [PluginRemark(provider, text) for text in texts]
    return loaded, broken, remarks


def _remark(remark: PluginRemark) -> Details:
    return {**_provider(remark.provider), "remark": remark.text}


def _provider(provider: Provider) -> dict[str, Any]:
    return {
        "provider": provider.distribution,
        "version": provider.version,
        "entry_point": provider.entry_point,
    }


def print_listing(console: Console, found: Details, kinds: Sequence[str]) -> None:
    """Print the content kind by kind, and the problems last."""
    for kind in kinds:
        lines = [line for line in (*found["parts"], *found["commands"]) if line["kind"] == kind]
        if lines or kind in KINDS:
            print_heading(console, kind)
        for line in lines:
            print_part(console, line)
    _print_problems(console, "remarks on plugins", [_problem_line(one, one["remark"]) for one in found["remarks"]])
    _print_problems(console, "broken plugins", [_problem_line(one, one["error"]) for one in found["broken"]])
    excluded = [f"{one['provider']} {one['version']}" for one in found["left_out"]]
    _print_problems(console, f"excluded by {PLUGINS_VARIABLE}", excluded)


def print_part(console: Console, line: Details) -> None:
    """Print a part or a command in one line, and its options below."""
    provider = f"  ({line['provider']} {line['version']})"
    text = Text.assemble("  ", (line["name"], "bold"), f"  {line['summary']}", (provider, "italic"))
    console.print(text, soft_wrap=True)
    print_options(console, line.get("options", []))


def print_options(console: Console, options: Sequence[dict[str, Any]]) -> None:
    """Print options with type, default and description."""
    for fields in options:
        option = PartOption(**fields)
        console.print(f"      {option}", soft_wrap=True)
        if option.description:
            console.print(f"          {option.description}", style="italic", soft_wrap=True)


def _print_problems(console: Console, title: str, lines: Sequence[str]) -> None:
    if lines:
        print_heading(console, title)
    for line in lines:
        console.print(f"  {line}", soft_wrap=True)


def _problem_line(one: Details, problem: str) -> str:
    """Return one line: distribution, version, entry point and problem."""
    point = f", entry point {one['entry_point']}" if one["entry_point"] else ""
    return f"{one['provider']} {one['version']}{point}: {problem}"
