"""`latentclust plugins`: the parts that recipes are made of, and who provides them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentclust.cli.shared_options import Json
from latentclust.errors import LatentclustError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latentclust.cli.plugin_commands import PluginCommand
    from latentclust.plugins.distributions import Scan

app = typer.Typer(no_args_is_help=True)

Kind = Annotated[str | None, typer.Argument(metavar="KIND", help="backbone, prior, loss, ..., command; all if none.")]
Dist = Annotated[str, typer.Argument(metavar="DIST", help="A distribution, such as latentclust-my-loss.")]
NewKind = Annotated[str, typer.Argument(metavar="KIND", help="backbone, prior, loss, ..., command.")]
NewName = Annotated[str, typer.Argument(metavar="NAME", help="Of the part, such as my-loss.")]
NewFolder = Annotated[Path, typer.Option(metavar="DIR", help="Where its folder is made; here unless given.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A part, DISTRIBUTION:NAME, a command or a distribution.")]


@app.callback()
def plugins() -> None:
    """The parts that recipes are made of."""


@app.command("list")
def list_parts(kind: Kind = None, json: Json = False) -> None:
    """List every part: its kind, who provides it, what it is and the options that its table takes.

    A part that another one shadows is listed by the name it answers to, DISTRIBUTION:NAME.
    Commands of plugins follow, then what of plugins is broken or odd, with the reason.
    Commands are imported to be listed here, and nowhere else but to be run.

    Examples:
        latentclust plugins list
        latentclust plugins list loss
        latentclust plugins list dataset --json
    """
    from latentclust.cli.listing import COMMAND, listing, print_listing
    from latentclust.cli.terminal import print_json, stdout_console
    from latentclust.plugins.registry import KINDS, installed

    kinds = (*KINDS, COMMAND)
    if kind is not None and kind not in kinds:
        raise LatentclustError.at("KIND", f"there is no kind {kind!r}", did_you_mean(kind, kinds))
    chosen = kinds if kind is None else (kind,)
    found = listing(installed(), chosen, *_offered())
    if json:
        print_json(found)
    else:
        print_listing(stdout_console(), found, chosen)


@app.command()
def show(name: Name, json: Json = False) -> None:
    """Say all of a part, a command or a distribution: who provides it, whether it suits, options, source, problems.

    Examples:
        latentclust plugins show mmd
        latentclust plugins show latentclust:mmd
        latentclust plugins show latentclust-confidence-penalty --json
    """
    from latentclust.cli.plugin_details import sheets
    from latentclust.cli.plugin_details_text import print_sheet
    from latentclust.cli.terminal import print_json, stdout_console
    from latentclust.plugins.registry import installed

    commands, scan = _offered()
    found = sheets(installed(), scan, commands, name)
    if json:
        print_json(found)
        return
    for sheet in found:
        print_sheet(stdout_console(), sheet)


@app.command()
def validate(distribution: Dist, json: Json = False) -> None:
    """Check what an installed plugin provides, as latentclust's own parts are checked, and say what is wrong.

    Exits with 1 where something is, and with 2 where there is no such plugin.

    Examples:
        latentclust plugins validate latentclust-my-loss
        latentclust plugins validate latentclust-my-loss --json
    """
    from dataclasses import asdict

    from latentclust.cli.terminal import print_json, stdout_console
    from latentclust.cli.validation_output import print_report
    from latentclust.plugins.registry import installed
    from latentclust.testing import validate_distribution

    found = validate_distribution(distribution, installed())
    if json:
        print_json(asdict(found))
    else:
        print_report(stdout_console(), found)
    if found.findings:
        raise typer.Exit(1)


@app.command()
def new(kind: NewKind, name: NewName, out: NewFolder = Path()) -> None:
    """Begin a plugin: a distribution with one part that works, its tests, README and pyproject.toml.

    Examples:
        latentclust plugins new loss my-loss
        latentclust plugins new command my-command --out ~/plugins
    """
    from latentclust.cli.main import app as whole
    from latentclust.cli.new_plugin import write_plugin
    from latentclust.cli.terminal import display_path, print_lines, shell_command, stdout_console
    from latentclust.plugins.registry import installed

    group = typer.main.get_command(whole)
    folder = write_plugin(kind, name, out, installed(), getattr(group, "commands", {}))
    stdout_console().print(f"wrote {display_path(folder)}; then:", markup=False, soft_wrap=True)
    install = f"pip install -e '{display_path(folder)}[test]'"
    print_lines(
        stdout_console(), [install, shell_command("plugins", "validate", folder.name), f"pytest {display_path(folder)}"]
    )


def _offered() -> "tuple[Sequence[PluginCommand], Scan]":
    """The commands of plugins, as the group of all commands finds them."""
    from latentclust.cli.command_group import PluginGroup
    from latentclust.cli.main import app as whole

    group = typer.main.get_command(whole)
    assert isinstance(group, PluginGroup), "our commands make such a group"
    return group.found
