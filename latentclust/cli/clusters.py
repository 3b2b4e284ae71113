"""`latentclust clusters`: what the clusters of a model look like, what they are called, and outputs that say so."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentclust.cli.shared_options import Device, Json, ModelPath
from latentclust.errors import LatentclustError

if TYPE_CHECKING:
    from latentclust.labelling.outputs.legend import Legend

app = typer.Typer(no_args_is_help=True)

Scenes = Annotated[
    list[str],
    typer.Argument(
        metavar="SCENES...", help="Rasters, folders, 'glob patterns', .txt files of paths.", show_default=False
    ),
]
Png = Annotated[Path, typer.Option(metavar="PNG", help="The sheet's file.", show_default=False)]
Patches = Annotated[int, typer.Option(min=1, max=64, help="Patches of each cluster, at most.")]
Size = Annotated[int, typer.Option(min=8, max=256, help="Side of a patch, pixels.")]
Seed = Annotated[int, typer.Option(min=0, help="Of the draw of windows.")]
Pairs = Annotated[
    list[str] | None,
    typer.Argument(metavar="NUMBER=NAME...", help="3=water; 3= takes the name away.", show_default=False),
]
Colours = Annotated[
    list[str] | None,
    typer.Option("--colour", metavar="NAME=#RRGGBB", help="The colour of a class: water=#2b6cb0. Repeatable."),
]
Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="A folder that latentclust label wrote.", show_default=False)
]
Model = Annotated[
    Path | None,
    typer.Option(metavar="MODEL", help="Its model; the one that labelling.json names.", show_default=False),
]


@app.callback()
def clusters() -> None:
    """Look at clusters, name them, and name them in finished outputs."""


@app.command("preview")
def preview_clusters(
    model: ModelPath,
    scenes: Scenes,
    out: Png,
    patches: Patches = 8,
    size: Size = 64,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Draw sample patches of every cluster, to name it by.

    PNG gets a row a cluster: its number, name, colour and share of pixels, and patches where it is certain
    and frequent, from all over the scenes, with the cluster outlined and the rest dimmed. Windows
    that are drawn at random are read, never whole large scenes.

    Examples:
        latentclust clusters preview runs/rmnp/20260101-120000-0 scenes/ --out clusters.png
        latentclust clusters preview model.safetensors 'scenes/*.tif' --out clusters.png --size 128
    """
    if out.suffix.lower() != ".png":
        raise LatentclustError.at("--out", f"{out} is not named .png", "End the name in .png")
    from rich.progress import Progress

    from latentclust.cli.terminal import display_path, shell_command, stderr_console, stdout_console
    from latentclust.labelling.clusters.preview import preview
    from latentclust.model.model_file import load
    from latentclust.report.plotting import save_figure
    from latentclust.train.devices import make_fabric

    loaded = load(model, make_fabric(device, 1).device)
    console = stderr_console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("windows", total=None)
        figure = preview(
            loaded, scenes, patches, size, seed, lambda done, wanted: bar.update(task, completed=done, total=wanted)
        )
    save_figure(figure, out)
    stdout_console().print(f"wrote {display_path(out)}", markup=False, soft_wrap=True)
    suggestion = shell_command("clusters", "name", display_path(model), "1=NAME", "2=NAME")
    stdout_console().print(f"name what you see: {suggestion}", markup=False, soft_wrap=True)


@app.command("name")
def name_clusters(model: ModelPath, pairs: Pairs = None, colour: Colours = None, json: Json = False) -> None:
    """Name clusters, in the model's file; without names, show them.

    Clusters of one name are one class. The names change nothing in what the model computes: outputs
    that were labelled before are still its own, and `clusters apply` brings the names to them.

    Examples:
        latentclust clusters name runs/rmnp/20260101-120000-0 3=water 5=water 1=forest
        latentclust clusters name model.safetensors --colour water=#2b6cb0
        latentclust clusters name model.safetensors 3=
    """
    from latentclust.cli.terminal import print_json
    from latentclust.labelling.clusters.cluster_names import name_clusters as change
    from latentclust.labelling.outputs.legend import Legend

    named = change(model, pairs or (), colour or ())
    found = {"clusters": Legend.from_clusters(named), "classes": Legend.from_classes(named)}
    if json:
        print_json({"model": str(model), **{kind: legend.as_json() for kind, legend in found.items()}})
    else:
        _show(found["clusters"], found["classes"])


@app.command("apply")
def apply_names(folder: Folder, model: Model = None, json: Json = False) -> None:
    """Bring the names and colours of a model to the outputs in DIR that it labelled before.

    Nothing is computed anew: label rasters keep their pixels and get another colour table, rasters of classes
    are merged anew where they were written, and so are the files with the legend beside both.

    Examples:
        latentclust clusters apply labels
        latentclust clusters apply labels --model runs/rmnp/20260101-120000-0
    """
    from latentclust.cli.terminal import display_path, print_json, stdout_console
    from latentclust.labelling.clusters.restyle import restyle

    done = restyle(folder, model)
    if json:
        print_json(done.as_json())
        return
    count, classes = len(done.rasters), len(done.classes.entries) - 1
    line = f"{count:,} raster{'' if count == 1 else 's'} in {display_path(folder)} with {classes:,} classes"
    stdout_console().print(line, markup=False, soft_wrap=True)


def _show(clusters: "Legend", classes: "Legend") -> None:
    """A line a cluster, with the class that it is of in rasters of classes."""
    from rich.table import Table
    from rich.text import Text

    from latentclust.cli.terminal import stdout_console

    values = {cluster: entry for entry in classes.entries for cluster in entry.clusters}
    table = Table()
    for heading in ("cluster", "class"):
        table.add_column(heading, justify="right")
    table.add_column("name")
    table.add_column("colour")
    for entry in clusters.entries[1:]:
        value = values[entry.value].value
        swatch = Text.assemble(("  ", f"on {entry.hex}"), f" {entry.hex}")
        table.add_row(f"{entry.value}", f"{value}", Text(entry.name), swatch)
    stdout_console().print(table)
