"""The commands `latentclust plugins list`, `show`, `validate` and `new`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentclust.cli.shared_options import Json, Plugins
from latentclust.errors import LatentclustError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from rich.console import Console

    from latentclust.cli.plugin_commands import PluginCommand
    from latentclust.plugins.distributions import Scan
    from latentclust.testing import ValidationReport

app = typer.Typer(no_args_is_help=True)

Kind = Annotated[
    str | None,
    typer.Argument(metavar="KIND", help="Kind of part: backbone, prior, loss, ..., recipe, command. Defaults to all."),
]
Dist = Annotated[
    str, typer.Argument(metavar="DIST", help="Installed distribution, such as latentclust-my-loss, or a .py file.")
]
NewKind = Annotated[
    str, typer.Argument(metavar="KIND", help="Kind of part: backbone, prior, loss, ..., recipe, command.")
]
NewName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the part, such as my-loss.")]
Into = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder of an existing distribution that gets the part.")
]
NewFolder = Annotated[Path, typer.Option(metavar="DIR", help="Parent folder. Defaults to the current folder.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Part, DISTRIBUTION:NAME, command or distribution.")]


@app.callback()
def plugins() -> None:
    """List, check and create parts that recipes use."""


@app.command("list")
def list_parts(kind: Kind = None, plugins: Plugins = None, json: Json = False) -> None:
    """List all parts with kind, provider, summary and options.

    A part whose name another part has is listed as DISTRIBUTION:NAME. Commands of plugins follow, then broken plugins
    and remarks with their reasons. Commands are imported only when they are listed or run.

    Examples:
        latentclust plugins list
        latentclust plugins list loss
        latentclust plugins list dataset --json
    """
    from latentclust.cli.plugins.listing import COMMAND, listing, print_listing
    from latentclust.cli.terminal import print_json, stdout_console
    from latentclust.plugins.checks import PROVIDED
    from latentclust.plugins.registry import installed

    kinds = (*PROVIDED, COMMAND)
    if kind is not None and kind not in kinds:
        raise LatentclustError.at("KIND", f"unknown kind {kind!r}", did_you_mean(kind, kinds))
    chosen = kinds if kind is None else (kind,)
    found = listing(installed(), chosen, *_plugin_commands())
    if json:
        print_json(found)
    else:
        print_listing(stdout_console(), found, chosen)


@app.command()
def show(name: Name, plugins: Plugins = None, json: Json = False) -> None:
    """Show details of a part, a command or a distribution: provider, requirement, options, source and problems.

    Examples:
        latentclust plugins show mmd
        latentclust plugins show latentclust:mmd
        latentclust plugins show latentclust-confidence-penalty --json
    """
    from latentclust.cli.plugins.details import collect_details
    from latentclust.cli.plugins.details_text import print_details
    from latentclust.cli.terminal import print_json, stdout_console
    from latentclust.plugins.registry import installed

    commands, scan = _plugin_commands()
    found = collect_details(installed(), scan, commands, name)
    if json:
        print_json(found)
        return
    for details in found:
        print_details(stdout_console(), details)


@app.command()
def validate(distribution: Dist, json: Json = False) -> None:
    """Check the parts of a plugin with the checks that the bundled parts pass.

    The exit code is 1 if a check fails, and 2 if the plugin is not installed or the file cannot be loaded.

    Examples:
        latentclust plugins validate latentclust-my-loss
        latentclust plugins validate my_loss.py
        latentclust plugins validate latentclust-my-loss --json
    """
    from dataclasses import asdict

    from latentclust.cli.terminal import print_json, stdout_console
    from latentclust.plugins.registry import installed
    from latentclust.plugins.source_modules import SUFFIX
    from latentclust.testing import validate_distribution, validate_plugin

    given = distribution.endswith(SUFFIX)
    report = validate_plugin(distribution) if given else validate_distribution(distribution, installed())
    if json:
        print_json(asdict(report))
    else:
        _print_report(stdout_console(), report)
    if report.findings:
        raise typer.Exit(1)


def _print_report(console: "Console", report: "ValidationReport") -> None:
    """Print every finding below its part, and a last line with the counts."""
    from itertools import groupby

    for part, findings in groupby(report.findings, lambda finding: finding.part):
        console.print(part or "the whole plugin", style="bold", soft_wrap=True)
        for finding in findings:
            console.print(f"  {finding.check}: {finding.reason}", soft_wrap=True)
    for part, checks in groupby(report.not_applicable, lambda one: f"{one.part}: not applicable, {one.reason}"):
        console.print(f"{part} ({', '.join(one.check for one in checks)})", soft_wrap=True)
    skipped = f", {report.skipped} not applicable" if report.skipped else ""
    counts = f"{_count(report.parts, 'part')}, {_count(report.passed, 'check')} passed{skipped}"
    verdict = f"{len(report.findings)} failed" if report.findings else "ok"
    console.print(f"{report.distribution} {report.version}: {counts}: {verdict}", soft_wrap=True)


def _count(number: int, noun: str) -> str:
    """Return `1 part`, `2 parts`."""
    return f"{number} {noun}{'s' * (number != 1)}"


@app.command()
def new(kind: NewKind, name: NewName, out: NewFolder = Path(), into: Into = None) -> None:
    """Create a plugin: a distribution with one working part, tests, README and pyproject.toml.

    With --into, an existing distribution gets the part: a module, a test and an entry point in its pyproject.toml.

    Examples:
        latentclust plugins new loss my-loss
        latentclust plugins new quantity my-quantity --into latentclust-my-loss
        latentclust plugins new command my-command --out ~/plugins
    """
    from latentclust.cli.app import app as root
    from latentclust.cli.plugins.new_plugin import write_plugin
    from latentclust.cli.terminal import display_path, print_lines, shell_command, stdout_console
    from latentclust.plugins.registry import installed

    commands = getattr(typer.main.get_command(root), "commands", {})
    if into is not None:
        _write_into(kind, name, into.expanduser(), commands)
        return
    folder = write_plugin(kind, name, out, installed(), commands)
    stdout_console().print(f"wrote {display_path(folder)}; then:", soft_wrap=True)
    install = f"pip install -e '{display_path(folder)}[test]'"
    print_lines(
        stdout_console(), [install, shell_command("plugins", "validate", folder.name), f"pytest {display_path(folder)}"]
    )


def _write_into(kind: str, name: str, folder: Path, commands: "Collection[str]") -> None:
    """Write a part into an existing distribution, and print what to do next."""
    from latentclust.cli.plugins.new_part import write_part
    from latentclust.cli.terminal import display_path, print_lines, shell_command, stdout_console
    from latentclust.plugins.registry import installed

    distribution, *written = write_part(kind, name, folder, installed(), commands)
    shown = ", ".join(written[:-1])
    text = f"wrote {shown} and changed {written[-1]} in {display_path(folder)}; then:"
    stdout_console().print(text, soft_wrap=True)
    install = f"pip install -e '{display_path(folder)}[test]'"
    validate = shell_command("plugins", "validate", distribution)
    print_lines(stdout_console(), [install, validate, f"pytest {display_path(folder)}"])


def _plugin_commands() -> "tuple[Sequence[PluginCommand], Scan]":
    """Return the commands of plugins and the scan that found them."""
    from latentclust.cli.app import app as root
    from latentclust.cli.command_group import PluginGroup

    group = typer.main.get_command(root)
    assert isinstance(group, PluginGroup), "the app is created with this class"
    return group.found
