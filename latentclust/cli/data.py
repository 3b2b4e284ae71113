"""`latentclust data`: which data sets are at hand, how to get them, and what is in them."""

from pathlib import Path
from typing import Annotated

import typer

from latentclust.cli.shared_options import Json

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The data set's name.", show_default=False)]
Root = Annotated[Path | None, typer.Option(metavar="DIR", help="The data folder to fetch into; the user's cache.")]
Options = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="An option of the set: path=photos. Repeatable.")
]

From = Annotated[Path, typer.Option("--from", metavar="DIR", help="The folder that holds the raw files, at any depth.")]
To = Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to write; one data set by one protocol.")]
Verify = Annotated[bool, typer.Option("--verify", help="Compare the files of a prepared set with their hashes first.")]


@app.callback()
def data() -> None:
    """Data sets: what is at hand, how to get it, what is in it."""


@app.command("list")
def list_sets(json: Json = False) -> None:
    """List the data sets: what each holds, and where it was found.

    They are looked for in the folders that LATENTCLUST_DATA names (separated as in PATH),
    in ./data and in the user's cache.

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
    console.print(f"Looked for in: {', '.join(map(str, roots))}", markup=False, soft_wrap=True)
    console.print("Another folder: set LATENTCLUST_DATA to it.", soft_wrap=True)


@app.command()
def fetch(name: Name, root: Root = None) -> None:
    """Download a data set, checked against its known sums, or say who publishes it.

    Examples:
        latentclust data fetch mnist
        latentclust data fetch cifar10 --root /srv/images
    """
    from latentclust.cli.data_sets import build_dataset
    from latentclust.cli.terminal import display_path, stdout_console
    from latentclust.data.roots import cache_root, data_roots
    from latentclust.plugins.registry import installed

    console, spec = stdout_console(), build_dataset(installed(), name, ())
    there = spec.located((root,) if root else data_roots())
    if there is not None:
        console.print(f"{name} is already there: {there}", markup=False, soft_wrap=True)
        return
    into = root or cache_root()
    spec.fetch(into)
    console.print(f"{name} is in {display_path(spec.located((into,)) or into)}", markup=False, soft_wrap=True)


@app.command()
def prepare(name: Name, from_: From, to: To, options: Options = None) -> None:
    """Cut the raw files of a large set into tiles, by a named protocol, once.

    One scene or chunk is in memory at a time. Stopped, the same command goes on where it was; finished, it verifies
    every file by its hash and mends what is damaged. A recipe finds the tiles in prepared/PROTOCOL below a data
    folder, or where data.path says.

    Examples:
        latentclust data prepare potsdam --from /srv/isprs --to data/prepared/iic-potsdam3
        latentclust data prepare potsdam --set protocol=iic-potsdam6 --from /srv/isprs --to data/prepared/iic-potsdam6
    """
    from latentclust.cli.data_prepare import prepare_dataset
    from latentclust.cli.terminal import stdout_console

    stdout_console().print(prepare_dataset(name, tuple(options or ()), from_, to), markup=False, soft_wrap=True)


@app.command()
def inspect(name: Name, options: Options = None, verify: Verify = False, json: Json = False) -> None:
    """Open a data set and say what is in it: samples, shape, values, classes, place and licence.

    Examples:
        latentclust data inspect digits
        latentclust data inspect image-folder --set path=photos --set size=64
    """
    from dataclasses import asdict

    from latentclust.cli.data_sets import facts_table, inspect_dataset
    from latentclust.cli.terminal import print_json, stdout_console
    from latentclust.data.roots import data_roots
    from latentclust.plugins.registry import installed

    facts = inspect_dataset(installed(), name, tuple(options or ()), data_roots(), verify)
    if json:
        print_json(asdict(facts))
    else:
        stdout_console().print(facts_table(facts))
