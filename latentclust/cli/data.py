"""`latentclust data`: list, fetch, prepare and inspect data sets."""

from pathlib import Path
from typing import Annotated

import typer

from latentclust.cli import feature_banks
from latentclust.cli.shared_options import Json, Plugins

app = typer.Typer(no_args_is_help=True)
app.add_typer(feature_banks.app, name="features")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the data set.", show_default=False)]
Root = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Data folder to download to. Defaults to the user's cache.")
]
Options = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Option of the data set: path=photos. Repeatable."),
]

From = Annotated[Path, typer.Option("--from", metavar="DIR", help="Folder that contains the raw files, at any depth.")]
To = Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder to write, for one data set and protocol.")]
Verify = Annotated[
    bool, typer.Option("--verify", help="Check the files of a prepared data set against their hashes first.")
]


@app.callback()
def data() -> None:
    """List, fetch, prepare and inspect data sets, their features and the weights of pretrained networks."""


@app.command("list")
def list_sets(plugins: Plugins = None, json: Json = False) -> None:
    """List the data sets with their contents and location.

    They are searched in the folders in LATENTCLUST_DATA (separated as in PATH), in ./data and in
    the user's cache.

    Examples:
        latentclust data list
        LATENTCLUST_DATA=/srv/images latentclust data list
    """
    from dataclasses import asdict

    from latentclust.cli.data_sets import datasets_table, list_datasets
    from latentclust.cli.terminal import print_json, stdout_console
    from latentclust.data.roots import data_roots
    from latentclust.plugins.registry import installed

    roots = data_roots()
    found = list_datasets(installed(), roots)
    if json:
        print_json([asdict(item) for item in found])
        return
    console = stdout_console()
    console.print(datasets_table(found))
    console.print(f"Searched: {', '.join(map(str, roots))}", soft_wrap=True)
    console.print("Set LATENTCLUST_DATA to search another folder.", soft_wrap=True)


@app.command()
def fetch(name: Name, root: Root = None, plugins: Plugins = None) -> None:
    """Download a data set and check its hashes, or report where to get it.

    Examples:
        latentclust data fetch mnist
        latentclust data fetch cifar10 --root /srv/images
    """
    from latentclust.cli.data_sets import build_dataset
    from latentclust.cli.phase_progress import show_phases
    from latentclust.cli.terminal import display_path, stdout_console
    from latentclust.data.roots import cache_root, data_roots
    from latentclust.plugins.registry import installed

    console, spec = stdout_console(), build_dataset(installed(), name, ())
    found = spec.located((root,) if root else data_roots())
    if found is not None:
        console.print(f"{name} already exists: {found}", soft_wrap=True)
        return
    into = root or cache_root()
    with show_phases(f"downloading {name}"):
        spec.fetch(into)
    console.print(f"{name} is in {display_path(spec.located((into,)) or into)}", soft_wrap=True)


@app.command()
def prepare(name: Name, from_: From, to: To, options: Options = None, plugins: Plugins = None) -> None:
    """Cut the raw files of a large data set into tiles by a published protocol.

    One scene or chunk is in memory at a time. Run the same command again to resume after a stop; on a
    complete data set it checks every file by its hash and rewrites damaged ones. A recipe finds the
    tiles in prepared/PROTOCOL below a data folder, or in data.path.

    Examples:
        latentclust data prepare potsdam --from /srv/isprs --to data/prepared/iic-potsdam3
        latentclust data prepare potsdam --set protocol=iic-potsdam6 --from /srv/isprs --to data/prepared/iic-potsdam6
    """
    from latentclust.cli.data_prepare import prepare_dataset
    from latentclust.cli.terminal import stdout_console

    stdout_console().print(prepare_dataset(name, tuple(options or ()), from_, to), soft_wrap=True)


@app.command()
def weights(json: Json = False) -> None:
    """List pretrained weights with their training, licence and size; any other timm model can be named too.

    Weights that were trained with labels are supervised: reports of runs that read them say so. Offline, use
    installed weights, those in the hub's cache, or pretrained = "FILE.safetensors".

    Examples:
        latentclust data weights
    """
    from dataclasses import asdict

    from rich.table import Table

    from latentclust.cli.terminal import print_json, stdout_console
    from latentclust.plugins.registry import installed

    parts = [part for part in installed().parts("backbone") if part.value.known_weights()]
    lines = [(part.name, line) for part in parts for line in part.value.known_weights()]
    if json:
        print_json([{"use": use, **asdict(line)} for use, line in lines])
        return
    table = Table()
    for column in ("use", "options", "training", "licence", "MiB", "here"):
        table.add_column(column, overflow="fold")
    for use, line in lines:
        options = "\n".join(f'{key} = "{value}"' for key, value in line.options.items())
        size = f"{line.mebibytes:,.0f}"
        table.add_row(use, options, line.training, line.licence, size, "yes" if line.installed else "no")
    stdout_console().print(table)


@app.command()
def inspect(
    name: Name, options: Options = None, verify: Verify = False, plugins: Plugins = None, json: Json = False
) -> None:
    """Show the contents of a data set: samples, shape, values, classes, location and licence.

    Examples:
        latentclust data inspect digits
        latentclust data inspect image-folder --set path=photos --set size=64
    """
    from dataclasses import asdict

    from latentclust.cli.phase_progress import show_phases
    from latentclust.cli.terminal import print_json, stdout_console

    with show_phases(f"opening {name}"):
        from latentclust.cli.data_sets import facts_table, inspect_dataset
        from latentclust.data.roots import data_roots
        from latentclust.plugins.registry import installed

        facts = inspect_dataset(installed(), name, tuple(options or ()), data_roots(), verify)
    if json:
        print_json(asdict(facts))
    else:
        stdout_console().print(facts_table(facts))
