"""The entry point `latentclust`: its commands, and how it ends."""

import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from latentclust.cli import clusters, data, plugins, recipe
from latentclust.cli.command_group import PluginGroup
from latentclust.cli.compare import compare
from latentclust.cli.error_messages import print_error
from latentclust.cli.evaluate import evaluate
from latentclust.cli.label import LabelCommand, label
from latentclust.cli.predict import predict
from latentclust.cli.run import run
from latentclust.cli.sample import sample

DEBUG = "--debug"

app = typer.Typer(cls=PluginGroup, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich")
for command in (run, evaluate, predict, label, sample, compare):
    app.command(cls=LabelCommand if command is label else None)(command)
app.add_typer(clusters.app, name="clusters")
app.add_typer(recipe.app, name="recipe")
app.add_typer(plugins.app, name="plugins")
app.add_typer(data.app, name="data")


def _show_version(wanted: bool) -> bool:
    if wanted:
        from latentclust import __version__

        typer.echo(f"latentclust {__version__}")
        raise typer.Exit
    return wanted


def name_of(distribution: str, bare: str) -> str:
    """What a plugin's command answers to: the name that its distribution gives it, or `distribution:name`."""
    group = typer.main.get_command(app)
    assert isinstance(group, PluginGroup), "our commands make such a group"
    return group.name_of(distribution, bare)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show the traceback of an error; may stand anywhere.")] = False,
) -> None:
    """Cluster images without labels, by deep systems that are composed from recipes.

    Begin with a recipe that ships:

        latentclust run digits

    Then with images of your own:

        latentclust recipe new --out mine.toml
        latentclust run mine.toml

    Exit codes: 0 done, 1 a run failed, 2 something given is wrong, 130 stopped.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line and exits; `arguments` are the process's own unless given."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        app(args=[argument for argument in given if argument != DEBUG], prog_name="latentclust")
    # Whatever goes wrong, the user is told in one place and one form.
    except Exception as error:
        if DEBUG in given:
            traceback.print_exception(error)
        sys.exit(print_error(error))
    sys.exit(0)
