"""`latentclust data features`: list, make and drop feature banks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentclust.cli.shared_options import Device, Json, Plugins

if TYPE_CHECKING:
    from latentclust.data.feature_bank import BankHeader

app = typer.Typer(no_args_is_help=True)

Recipe = Annotated[str, typer.Argument(metavar="RECIPE", help="Recipe file, or name of a shipped recipe.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Changed recipe key: features.views=8. Repeatable."),
]
Names = Annotated[list[str] | None, typer.Argument(metavar="[BANK]...", help="Beginnings of names that `list` shows.")]
All = Annotated[bool, typer.Option("--all", help="Drop all banks.")]
Unfinished = Annotated[bool, typer.Option("--unfinished", help="Drop banks that are not complete, and damaged ones.")]


@app.callback()
def features() -> None:
    """List, make and drop feature banks: the features of a data set, computed once for all runs."""


@app.command("list")
def list_banks(json: Json = False) -> None:
    """List the feature banks with their data, network and size.

    They are in LATENTCLUST_FEATURES, or else in the user's cache.

    Examples:
        latentclust data features list
        LATENTCLUST_FEATURES=/srv/features latentclust data features list
    """
    from rich.table import Table

    from latentclust.cli.terminal import print_json, stdout_console
    from latentclust.data.feature_bank import find_banks
    from latentclust.data.roots import features_root

    folder = features_root()
    rows = [_line(path, header) for path, header in find_banks(folder)]
    if json:
        print_json({"folder": str(folder), "banks": rows})
        return
    console, table = stdout_console(), Table()
    for column in ("bank", "data", "network", "samples", "views", "values", "MiB", "state"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(
            *(str(row[key]) for key in ("name", "data", "network", "samples", "views", "width")),
            f"{row['bytes'] / 2**20:,.1f}",
            row["state"],
        )
    console.print(table)
    total = sum(row["bytes"] for row in rows) / 2**20
    console.print(f"{len(rows)} banks, {total:,.1f} MiB in {folder}", soft_wrap=True)
    console.print("Set LATENTCLUST_FEATURES to keep them in another folder.", soft_wrap=True)


@app.command()
def make(recipe: Recipe, settings: Settings = None, plugins: Plugins = None, device: Device = "auto") -> None:
    """Compute the feature banks of a recipe, as its first run would. A stopped computation is resumed.

    Examples:
        latentclust data features make cifar10-dccs-frozen
        latentclust data features make photos.toml --set features.views=8
    """
    from latentclust.cli.progress import make_listener
    from latentclust.cli.terminal import stdout_console
    from latentclust.errors import LatentclustError

    with make_listener() as watching:
        from latentclust.runs.feature_banks import make_banks

        banks = make_banks(recipe, tuple(settings or ()), device, watching.on_features)
    if not banks:
        what = "the recipe has no [features], so there is nothing to compute"
        raise LatentclustError.at(recipe, what, "Add the table, or choose a recipe that has it")
    for bank in banks:
        header = bank.header
        text = f"{bank.path}: {header.samples:,} images, {header.rows - 1} views, {header.seconds:.0f} s"
        stdout_console().print(text, soft_wrap=True)


@app.command()
def drop(names: Names = None, all_: All = False, unfinished: Unfinished = False) -> None:
    """Delete feature banks.

    Examples:
        latentclust data features drop d6c6d9
        latentclust data features drop --unfinished
    """
    from latentclust.cli.terminal import stdout_console
    from latentclust.data.feature_bank import drop_bank, find_banks
    from latentclust.data.roots import features_root
    from latentclust.errors import LatentclustError

    found = list(find_banks(features_root()))
    unknown = [name for name in names or () if not any(path.name.startswith(name) for path, _ in found)]
    if unknown or not (names or all_ or unfinished):
        what = f"no bank is named {unknown[0]!r}" if unknown else "names no bank"
        fix = "Pass names of `latentclust data features list`, --unfinished or --all"
        raise LatentclustError.at("data features drop", what, fix)
    chosen = [
        path
        for path, header in found
        if all_ or path.name.startswith(tuple(names or ())) or (unfinished and not (header and header.complete))
    ]
    freed = sum(drop_bank(path) for path in chosen)
    stdout_console().print(f"dropped {len(chosen)} banks, {freed / 2**20:,.1f} MiB", soft_wrap=True)


def _line(path: Path, header: "BankHeader | None") -> dict[str, Any]:
    """Return what is listed of a bank."""
    size = path.stat().st_size
    if header is None:
        unknown = dict.fromkeys(("data", "network", "samples", "views", "width"), "?")
        return {"name": path.name, **unknown, "bytes": size, "state": "damaged"}
    short = size != header.size
    state = "truncated" if short else "complete" if header.complete else f"{header.done / header.samples:.0%} written"
    return {
        "name": path.name,
        "data": header.data,
        "network": header.network,
        "samples": header.samples,
        "views": header.rows - 1,
        "width": header.width,
        "bytes": size,
        "state": state,
    }
