"""The commands of the command line `latentclust`."""

from typing import Annotated

import typer

from latentclust.cli import clusters, data, plugins, recipe
from latentclust.cli.accuracy import accuracy
from latentclust.cli.change import change
from latentclust.cli.choose_k import choose_k
from latentclust.cli.command_group import PluginGroup
from latentclust.cli.compare import compare
from latentclust.cli.declared_options import OptionCommand
from latentclust.cli.embed import embed
from latentclust.cli.evaluate import evaluate
from latentclust.cli.evaluate_generator import evaluate_generator
from latentclust.cli.export import export
from latentclust.cli.label import label
from latentclust.cli.main import DEBUG
from latentclust.cli.predict import predict
from latentclust.cli.run import run
from latentclust.cli.sample import sample
from latentclust.cli.view import view

app = typer.Typer(cls=PluginGroup, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich")
_IMAGES = (run, choose_k, evaluate, evaluate_generator, predict, embed, export, sample, compare)
for command in (*_IMAGES, label, view, change, accuracy):
    app.command(cls=OptionCommand if command in (evaluate, label) else None)(command)
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
    """Return the name of a plugin's command: the one that its distribution chose, or `distribution:name`."""
    group = typer.main.get_command(app)
    assert isinstance(group, PluginGroup), "the app is created with cls=PluginGroup"
    return group.name_of(distribution, bare)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option(DEBUG, help="Show the traceback of an error. Allowed at any position.")
    ] = False,
) -> None:
    """Cluster images without labels, with deep systems composed from recipes.

    Start with a shipped recipe:

        latentclust run digits

    Then use your own images:

        latentclust recipe new --out mine.toml
        latentclust run mine.toml

    Exit codes: 0 done, 1 a run failed, 2 invalid input, 130 stopped.
    """
