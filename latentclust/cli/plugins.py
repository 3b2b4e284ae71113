"""`latentclust plugins`: the parts that recipes are made of, and who provides them."""

from typing import TYPE_CHECKING, Annotated

import typer

from latentclust.cli.options import Json
from latentclust.errors import LatentclustError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from latentclust.cli.commands import PluginCommand
    from latentclust.distributions import Scan

app = typer.Typer(no_args_is_help=True)

Kind = Annotated[str | None, typer.Argument(metavar="KIND", help="backbone, prior, loss, ..., command; all if none.")]
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
    from latentclust.cli.terminal import print_json, results
    from latentclust.registry import KINDS, installed

    kinds = (*KINDS, COMMAND)
    if kind is not None and kind not in kinds:
        raise LatentclustError.at("KIND", f"there is no kind {kind!r}", did_you_mean(kind, kinds))
    chosen = kinds if kind is None else (kind,)
    found = listing(installed(), chosen, *_offered())
    if json:
        print_json(found)
    else:
        print_listing(results(), found, chosen)


@app.command()
def show(name: Name, json: Json = False) -> None:
    """Say all of a part, a command or a distribution: who provides it, whether it suits, options, source, problems.

    Examples:
        latentclust plugins show mmd
        latentclust plugins show latentclust:mmd
        latentclust plugins show latentclust-confidence-penalty --json
    """
    from latentclust.cli.sheet_text import print_sheet
    from latentclust.cli.sheets import sheets
    from latentclust.cli.terminal import print_json, results
    from latentclust.registry import installed

    commands, scan = _offered()
    found = sheets(installed(), scan, commands, name)
    if json:
        print_json(found)
        return
    for sheet in found:
        print_sheet(results(), sheet)


def _offered() -> "tuple[Sequence[PluginCommand], Scan]":
    """The commands of plugins, as the group of all commands finds them."""
    from latentclust.cli.command_group import PluginGroup
    from latentclust.cli.main import app as whole

    group = typer.main.get_command(whole)
    assert isinstance(group, PluginGroup), "our commands make such a group"
    return group.found
